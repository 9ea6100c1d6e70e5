/** What is used of packages that come without types. */

declare module 'unbzip2-stream/lib/bzip2.js' {
  type ReadBits = (count: number | null) => number
  const bzip2: {
    header(bits: ReadBits): number
    decompress(
      bits: ReadBits,
      push: (byte: number) => void,
      buffer: Int32Array,
      size: number,
      crc: number,
    ): number | null
  }
  export = bzip2
}

declare module 'unbzip2-stream/lib/bit_iterator.js' {
  /** A reader of bits over buffers that it asks for one by one. */
  const bitIterator: (next: () => Uint8Array | undefined) => {
    (count: number | null): number
    bytesRead: number
  }
  export = bitIterator
}

declare module 'yauzl' {
  import type { Readable } from 'node:stream'

  namespace yauzl {
    interface Entry {
      readonly fileName: string
      readonly crc32: number
      readonly compressedSize: number
      readonly uncompressedSize: number
      isEncrypted(): boolean
    }
    interface ZipFile {
      readEntry(): void
      close(): void
      on(event: 'entry', listener: (entry: Entry) => void): this
      on(event: 'end', listener: () => void): this
      on(event: 'error', listener: (error: Error) => void): this
      openReadStream(entry: Entry, callback: (error: Error | null, stream: Readable) => void): void
    }
    function open(
      path: string,
      options: { lazyEntries: boolean; autoClose: boolean },
      callback: (error: Error | null, file: ZipFile) => void,
    ): void
  }
  export = yauzl
}

declare module 'bzip2-wasm' {
  class BZip2 {
    init(): Promise<void>
    /** `block_size` in units of 100 kB, 1 to 9; throws where more than `room` bytes come out. */
    compress(data: Uint8Array, block_size: number, room: number): Uint8Array
    decompress(data: Uint8Array, room: number): Uint8Array
  }
  export = BZip2
}

declare module 'lzma-native' {
  import type { Transform } from 'node:stream'

  const lzma: {
    createCompressor(options: { preset: number }): Transform
    createDecompressor(): Transform
  }
  export = lzma
}

/** What Node has of it, as far as it is used; its types come with those of a browser. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module)
    readonly exports: object
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    /** By pages of 64 kB; what `buffer` was is gone then. */
    grow(pages: number): number
  }
  interface Global {
    readonly value: number
  }
}
