/** What the command lines of perf/ have in common: how they are refused, and those that take nothing. */
import { parseCommandLine, UsageError } from '../../src/usage-error.ts'

/**
 * Reads a command line, or says what is wrong with it and ends the process with 2, as `weir` does.
 * @param name of the command
 * @param help the command line that explains it
 * @param read throws a UsageError for what it does not understand
 */
export function understand<T>(name: string, help: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${name}: ${error.message}\nTry "${help}" for what it takes.`)
    process.exit(2)
  }
}

/**
 * For a command that takes no arguments, but for `--help`, which prints the usage and ends the process.
 * @param file of the command, as in `node perf/budgets.ts`
 * @param what it does
 */
export function takeNothing(file: string, what: string): void {
  const command = `node ${file}`
  const { help } = understand(file, `${command} --help`, () =>
    parseCommandLine({
      args: process.argv.slice(2),
      options: { help: { type: 'boolean', short: 'h', default: false } },
    }),
  ).values
  if (!help) return
  console.log(`usage: ${command}\n\n  ${what}`)
  process.exit(0)
}
