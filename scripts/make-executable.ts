/** `node scripts/make-executable.ts FILE`: tsc writes files that cannot be executed, and `bin` needs one that can. */
import { chmodSync } from 'node:fs'

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/make-executable.ts FILE')
  process.exit(2)
}
chmodSync(file, 0o755)
