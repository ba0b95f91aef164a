/** Imported into Weir's processes: collects all garbage at SIGUSR1 and says what is left, as a line among those of the log. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { collected } from './live-memory.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

process.on('SIGUSR1', () => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  const line = { level: 30, msg: collected, pid: process.pid, heapBytes: heapUsed + external }
  process.stdout.write(`${JSON.stringify(line)}\n`)
})
