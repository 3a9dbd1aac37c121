/**
 * Runs `drain` at the first SIGTERM or SIGINT, and ends the process at the second. Resolves when `drain` has; a process
 * that was told to end, and did, exits with 0.
 */
export function untilStopped(drain: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = false
    const stop = () => {
      if (told) process.exit(130)
      told = true
      drain().then(resolve, reject)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
