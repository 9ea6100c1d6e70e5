-- Streams of an attempt, and those sent whole by its end: unknown of attempts before this, and of one that never began.
ALTER TABLE sync_attempts ADD COLUMN streams integer;
ALTER TABLE sync_attempts ADD COLUMN streams_complete integer;
