/**
 * The part of WebAssembly's JavaScript interface (webassembly.github.io/spec/js-api) that this room uses. TypeScript has
 * it only among the types of browsers, which the rest of the project must not see.
 */
declare namespace WebAssembly {
  class Module {
    private readonly module: undefined
    constructor(bytes: Uint8Array)
  }

  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(descriptor: { readonly initial: number; readonly maximum?: number; readonly shared?: true })
    /** Another object after each growth; of a shared memory the ones before stay valid, and short. */
    readonly buffer: ArrayBufferLike
    grow(pages: number): number
  }

  function validate(bytes: Uint8Array): boolean
  function compile(bytes: Uint8Array): Promise<Module>

  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Memory | (() => void)>>>>)
    readonly exports: object
  }
}
