/**
 * A client's own control variate of a run. It changes with every update that the coordinator accepts; but a round that
 * accepted updates and then failed changes nothing for the coordinator, and is done again from the same model.
 */
export type OwnControl = {
  /** Digest of the model from which the last accepted update was trained. */
  readonly model: string
  /** What the control was then, and is again whenever that model is trained from. */
  readonly before: Float32Array
  /** What it is for every other model. */
  readonly after: Float32Array
}

/** Keeps a client's own control variates over restarts: one for each run. */
export interface ControlMemory {
  /** The control of a run, or nothing where there is none with `length` values. */
  load(run: string, length: number): Promise<OwnControl | undefined>
  save(run: string, control: OwnControl): Promise<void>
}

/** A memory that ends with the process. */
export function memoryControls(): ControlMemory {
  const controls = new Map<string, OwnControl>()
  return {
    load: async (run) => controls.get(run),
    save: async (run, control) => void controls.set(run, control),
  }
}
