import { dirname, resolve } from 'node:path'
import type { Plan } from '../plan/plan.ts'
import { crossCheck } from './checks.ts'
import { compile } from './compile.ts'
import { findingsOf } from './issues.ts'
import { type ParsedJson, type PlacedFinding, parseJson } from './json.ts'
import { LineIndex } from './line-index.ts'
import { type Finding, formatPath, type Problem, placeKey } from './problem.ts'
import { readConfigFile } from './read-file.ts'
import { type Config, configSchema } from './schema.ts'
import { clientLimitsFindings } from './schema-clients.ts'
import { unixFindings } from './schema-listener.ts'
import { splitFindings } from './schema-split.ts'
import { tlsFindings } from './tls-files.ts'
import { upstreamTlsFindings } from './upstream-tls.ts'

export type LoadResult =
  | { readonly ok: true; readonly plan: Plan; readonly config: Config }
  /** In the order of the file; at least one. */
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Reads, checks and compiles a configuration file. Never throws over what it or a file that it names holds: all problems come at once. */
export function loadConfig(file: string): LoadResult {
  const text = readConfigFile(file)
  return typeof text === 'string'
    ? readConfig(text, dirname(resolve(file)))
    : failed('', [{ finding: text, offset: null }])
}

/** The same for a text that has been read already. @param directory where the relative paths in it begin */
export function readConfig(text: string, directory = '.'): LoadResult {
  const json = parseJson(text)
  if ('finding' in json) return failed(text, [json])
  const result = configSchema.safeParse(json.value)
  const shape = result.success ? [] : findingsOf(result.error.issues, json.value)
  const misshapen = new Set(shape.map(({ path }) => placeKey(path)))
  // What the checks say about a value that is wrong in itself is a consequence.
  const checked = [
    ...crossCheck(json.value, directory),
    ...unixFindings(json.value, directory),
    ...clientLimitsFindings(json.value),
    ...splitFindings(json.value),
    ...tlsFindings(json.value, directory),
    ...upstreamTlsFindings(json.value, directory),
  ]
  const inconsistent = checked.filter(({ path }) => !misshapen.has(placeKey(path)))
  const placed = [...json.findings, ...place([...shape, ...inconsistent], json)]
  if (!result.success || placed.length > 0) return failed(text, placed)
  try {
    return { ok: true, plan: compile(result.data, directory), config: result.data }
  } catch (error) {
    return failed(text, [{ finding: changedFile(error), offset: null }])
  }
}

/** The files that it names were in order when they were checked. @throws what is no error of the file system */
function changedFile(error: unknown): Finding {
  const { syscall, message } = error as NodeJS.ErrnoException
  if (syscall === undefined) throw error
  const expected = 'files that stay as they are while they are read'
  return { path: [], expected, found: message, hint: 'something changed one meanwhile: try again' }
}

/** A key that is missing is shown where the object it is missing from begins. */
function place(findings: readonly Finding[], json: ParsedJson): PlacedFinding[] {
  return findings.map((finding) => {
    for (let length = finding.path.length; length > 0; length--) {
      const offset = json.offsets.get(placeKey(finding.path.slice(0, length)))
      if (offset !== undefined) return { finding, offset }
    }
    return { finding, offset: null }
  })
}

function failed(text: string, placed: readonly PlacedFinding[]): LoadResult {
  const lines = new LineIndex(text)
  const inOrder = placed.toSorted((a, b) => (a.offset ?? -1) - (b.offset ?? -1))
  const problems = inOrder.map(({ finding, offset }): Problem => {
    const position = offset === null ? { line: null, column: null } : lines.at(offset)
    return { ...finding, path: formatPath(finding.path), ...position }
  })
  return { ok: false, problems }
}

/** More than anyone reads at once. */
const shownAtOnce = 50

/** The problems for a terminal: a block for each, and a closing line with their count. Ends without a line break. */
export function renderProblems(file: string, problems: readonly Problem[]): string {
  const blocks = problems.slice(0, shownAtOnce).map((problem) => {
    const position = problem.line === null ? '' : `:${problem.line}:${problem.column}`
    const where = problem.path === '' ? '' : `  ${problem.path}`
    const hint = problem.hint === null ? [] : [`  hint      ${problem.hint}`]
    const lines = [
      `${file}${position}${where}`,
      `  expected  ${problem.expected}`,
      `  found     ${problem.found}`,
    ]
    return [...lines, ...hint].join('\n')
  })
  if (problems.length > shownAtOnce) blocks.push(`and ${problems.length - shownAtOnce} more`)
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`
  return [...blocks, `${count} in ${file}`].join('\n\n')
}
