-- A file of kind 'beaten' names rows of its generation's data files that are not served: they lost
-- to rows of other partitions after the data files were written.
ALTER TABLE files DROP CONSTRAINT files_kind_check;
ALTER TABLE files ADD CONSTRAINT files_kind_check
  CHECK (kind IN ('data', 'candidates', 'beaten', 'rejects'));
ALTER TABLE generation_files DROP CONSTRAINT generation_files_kind_check;
ALTER TABLE generation_files ADD CONSTRAINT generation_files_kind_check
  CHECK (kind IN ('data', 'candidates', 'beaten', 'rejects'));
