/** The curl command, as tests use it: nothing of the user's settings, and an end in any case. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'

export interface CurlResult {
  /** curl's exit code; the signal's name where one ended it. */
  readonly code: number | string
  readonly output: Buffer
  /** What it says beside the body: errors, and with `-v` the heads. */
  readonly messages: string
}

/** Why curl cannot be used here, or false. */
export function curlMissing(): string | false {
  return spawnSync('curl', ['--version']).status !== 0 && 'curl is not installed'
}

/** A curl that runs; it gives up after a minute. */
export function startCurl(...args: string[]): ChildProcessWithoutNullStreams {
  // `-q` comes first or not at all: no ~/.curlrc. The proxy that the environment may name is none of the test's business,
  // and an option against it would not count behind --next.
  const env = { ...process.env, no_proxy: '*', NO_PROXY: '*' }
  const child = spawn('curl', ['-q', '-sS', '--max-time', '60', ...args], { env })
  child.stdin.on('error', () => undefined) // it may end without reading all of it
  return child
}

/** Runs curl to its end. Not the synchronous way: origins live in the test's own process. */
export async function curl(args: readonly string[], input: Buffer | string = ''): Promise<CurlResult> {
  const child = startCurl(...args)
  const closed = once(child, 'close')
  child.stdin.end(input)
  const [output, messages] = await Promise.all([buffer(child.stdout), text(child.stderr)])
  const [code, signal] = await closed
  return { code: code ?? signal, output, messages }
}
