import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { errorOf, type FromWorker } from './worker-message.ts'

export interface Job<Request, News = never> {
  readonly request: Request
  /** Memory of the request that is given to the thread, not copied. */
  readonly transfer?: readonly ArrayBuffer[]
  /** Aborting ends the thread in the middle of the job, and fails what else the thread was given. */
  readonly signal?: AbortSignal
  /** Called in the caller's thread, in order, before the promise is settled. What it throws fails the job. */
  readonly hear?: (news: News) => void
}

/** Threads that answer requests. */
export interface WorkerPool<Request, Answer, News = never> extends AsyncDisposable {
  /** May be called for many jobs at once: they wait their turn and are taken in the order of the calls. */
  run(job: Job<Request, News>): Promise<Answer>
}

interface Task<Request, Answer, News> extends Job<Request, News> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

interface Seat<Request, Answer, News> {
  readonly worker: Worker
  /** What it was given and has not answered, in that order. */
  readonly tasks: Task<Request, Answer, News>[]
}

/**
 * Opens a pool of `threads` threads (as many as there are cores, unless given), started when needed unless `prepare` is given. They answer
 * with `FromWorker`, in the order of the requests. A thread that dies fails the jobs it had; the next gets a new one.
 */
export function openWorkerPool<Request, Answer, News = never>(settings: {
  /** What messages call the pool. */
  readonly name: string
  /** The module that threads run, without its suffix: from the sources it is TypeScript, in the built package not. */
  readonly module: URL
  readonly threads?: number | undefined
  /** Jobs a thread is given at once: with two, the next is there already when it has done one. */
  readonly ahead: number
  /** Starts all threads at once instead, and tells each this as its `workerData`. */
  readonly prepare?: unknown
}): WorkerPool<Request, Answer, News> {
  type OwnTask = Task<Request, Answer, News>
  type OwnSeat = Seat<Request, Answer, News>
  const { name, module, ahead, prepare } = settings
  const threads = settings.threads ?? availableParallelism()
  const seats: OwnSeat[] = []
  const waiting: OwnTask[] = []
  let closed = false

  function assign(): void {
    while (waiting.length > 0) {
      let seat = seats.reduce<OwnSeat | undefined>(
        (least, each) => (least && least.tasks.length <= each.tasks.length ? least : each),
        undefined,
      )
      if ((seat === undefined || seat.tasks.length > 0) && seats.length < threads) seat = addSeat()
      if (seat === undefined || seat.tasks.length === ahead) return
      give(seat, waiting.shift() as OwnTask)
    }
  }

  function give(seat: OwnSeat, task: OwnTask): void {
    const { request, transfer = [], signal } = task
    try {
      signal?.throwIfAborted()
      seat.worker.postMessage(request, transfer)
    } catch (error) {
      // As with memory that cannot be given away: nothing was sent, so nothing will be answered.
      task.reject(error)
      return
    }
    if (seat.tasks.push(task) === 1) seat.worker.ref()
  }

  function addSeat(): OwnSeat {
    const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`${module.href}.${suffix}`), { workerData: prepare })
    const seat: OwnSeat = { worker, tasks: [] }
    worker.on('message', (message: FromWorker<Answer, News>) => receive(seat, message))
    worker.on('error', (error) => leave(seat, error))
    worker.on('exit', (code) =>
      leave(seat, new Error(`a thread of the ${name} ended with code ${code}`)),
    )
    worker.unref()
    seats.push(seat)
    return seat
  }

  /** Nobody is told before the thread has ended: until then it may write. */
  function leave(seat: OwnSeat, error: unknown): void {
    const at = seats.indexOf(seat)
    if (at < 0) return
    seats.splice(at, 1)
    const tasks = seat.tasks.splice(0)
    void seat.worker.terminate().then(() => {
      for (const task of tasks) task.reject(error)
      if (!closed) assign()
    })
  }

  function receive(seat: OwnSeat, message: FromWorker<Answer, News>): void {
    const [task] = seat.tasks
    if (task === undefined) return
    if (message.type === 'news') {
      try {
        task.hear?.(message.news)
      } catch (error) {
        leave(seat, error)
      }
      return
    }
    seat.tasks.shift()
    if (seat.tasks.length === 0) seat.worker.unref()
    assign()
    if (message.type === 'answer') task.resolve(message.answer)
    else task.reject(errorOf(message))
  }

  if (prepare !== undefined) while (seats.length < threads) addSeat()

  return {
    async run(job) {
      if (closed) throw new Error(`the ${name} is closed`)
      const { signal } = job
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const task = { ...job, resolve, reject }
      const abort = () => {
        const seat = seats.find(({ tasks }) => tasks.includes(task))
        if (seat !== undefined) leave(seat, signal?.reason)
      }
      signal?.addEventListener('abort', abort)
      try {
        waiting.push(task)
        assign()
        return await promise
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const error = new Error(`the ${name} was closed`)
      for (const task of waiting.splice(0)) task.reject(error)
      await Promise.all(
        seats.splice(0).map(async ({ worker, tasks }) => {
          const left = tasks.splice(0)
          await worker.terminate()
          for (const task of left) task.reject(error)
        }),
      )
    },
  }
}
