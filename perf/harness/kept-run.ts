/** What programs take that measure one thing, so many times, and keep what they find. */
import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from './arguments.ts'
import { understand } from './command-line.ts'
import { type Markers, withText } from './document.ts'

export interface KeptRun {
  /** How often it is measured. */
  readonly turns: number
  /** Folder for the results; null: `perf/results`, and the table goes into perf/README.md. */
  readonly out: string | null
}

/** @throws {UsageError} that says what was expected and what was found. */
export function parseKeptRun(argv: readonly string[]): KeptRun & { readonly help: boolean } {
  const { values } = parseCommandLine({
    args: [...argv],
    options: {
      turns: { type: 'string', default: '3' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return {
    turns: wholeNumber('--turns', values.turns, 1, 20),
    out: values.out ?? null,
    help: values.help,
  }
}

/**
 * Reads the command line of such a program. With `--help` it prints the usage, and what it does not understand it says; both end the
 * process.
 *
 * @param file of the command, as in `node perf/memory.ts`
 * @param what it does, in lines
 * @param turns what one of them is
 */
export function keptRun(file: string, what: readonly string[], turns: string): KeptRun {
  const command = `node ${file}`
  const given = understand(file, `${command} --help`, () => parseKeptRun(process.argv.slice(2)))
  if (!given.help) return given
  console.log(`usage: ${command} [options]

${what.map((line) => `  ${line}`).join('\n')}

  --turns N        ${turns} (1 to 20; default 3)
  --out FOLDER     where results go (default: perf/results, and the table into perf/README.md)
  --help           print this`)
  process.exit(0)
}

const readme = fileURLToPath(new URL('../README.md', import.meta.url))

/** Puts a table into its place in perf/README.md. @throws {Error} if there is no such place. */
export function writeIntoReadme(markers: Markers, text: string): void {
  writeFileSync(readme, withText(readFileSync(readme, 'utf8'), markers, text))
  console.log(`written: ${relative(process.cwd(), readme)}`)
}
