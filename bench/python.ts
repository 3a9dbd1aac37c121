import { spawn } from 'node:child_process'

/** What `python3` prints, given arguments and a text to read; the last line of its complaint where it fails or is not there. */
export function askPython(args: readonly string[], input = ''): Promise<string | { readonly failed: string }> {
  return new Promise((resolve) => {
    const child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let [out, error] = ['', '']
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      error += chunk
    })
    const fail = () => resolve({ failed: error.trim().split('\n').at(-1) || 'not there' })
    child.on('error', fail)
    child.on('close', (code) => (code === 0 ? resolve(out) : fail()))
  })
}
