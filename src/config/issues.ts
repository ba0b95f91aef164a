/** zod's issues as findings: one per place, and of a union only what concerns the form that was meant. */
import type { z } from 'zod'
import { didYouMean, nearest } from './did-you-mean.ts'
import { keysInMessage, wantsDuration } from './nodes.ts'
import { type Finding, type Path, placeKey, show } from './problem.ts'

type Issue = z.core.$ZodIssue

/** How an absent value is shown; no value looks like it, texts being in quotes. */
const nothing = show(undefined)

/**
 * Findings in the order of the issues. A required key that is missing next to a misspelling of it is not reported:
 * the misspelling is.
 */
export function findingsOf(issues: readonly Issue[], input: unknown): Finding[] {
  const findings = new Map<string, Finding>()
  const misspelled = new Set<string>()
  for (const { issue, path } of flatten(issues, [])) {
    const found = valueAt(input, path)
    if (issue.code === 'unrecognized_keys') {
      const absent = keysInMessage(issue.message).filter((key) => !Object.hasOwn(found as object, key))
      for (const key of issue.keys) {
        const meant = nearest(key, absent)
        if (meant !== null) misspelled.add(placeKey([...path, meant]))
        add(findings, [...path, key], issue.message, show(key), didYouMean(key, absent))
      }
    } else if (issue.code === 'invalid_key') {
      const [fault] = issue.issues
      add(
        findings,
        path,
        fault?.message ?? issue.message,
        show(path.at(-1)),
        fault ? hintFor(fault, found) : null,
      )
    } else {
      add(findings, path, issue.message, show(found), hintFor(issue, found))
    }
  }
  for (const place of misspelled) {
    if (findings.get(place)?.found === nothing) findings.delete(place)
  }
  return [...findings.values()]
}

/** The first finding about a place is kept: what follows there is a consequence. */
function add(
  to: Map<string, Finding>,
  path: Path,
  expected: string,
  found: string,
  hint: string | null,
): void {
  const place = placeKey(path)
  if (!to.has(place)) to.set(place, { path, expected, found, hint })
}

interface PlacedIssue {
  readonly issue: Issue
  readonly path: Path
}

function flatten(issues: readonly Issue[], base: Path): PlacedIssue[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as Path)]
    const meant = issue.code === 'invalid_union' ? meantBranch(issue.errors) : null
    return meant === null ? [{ issue, path }] : flatten(meant, path)
  })
}

/**
 * The one form of a union that has the kind of the value (object, array, string, number), or null. Of several objects the one
 * that has all of its keys.
 */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter((issues) => !issues.some(isOtherKind))
  const meant = fitting.length === 1 ? fitting : fitting.filter((issues) => !issues.some(hasOtherKeys))
  return meant.length === 1 ? (meant[0] ?? null) : null
}

function hasOtherKeys(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code === 'unrecognized_keys'
}

function isOtherKind(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
}

function hintFor(issue: Issue, found: unknown): string | null {
  if (issue.code === 'custom') return (issue.params?.hint as string | undefined) ?? null
  if (wantsDuration(issue.message) && isPlainNumber(found)) return `add a unit: "${found}s" or "${found}ms"`
  if (typeof found !== 'string') return null
  const parts = issue.code === 'invalid_union' ? issue.errors.flat().filter(isOtherKind) : [issue]
  if (parts.some(wantsNumber) && isPlainNumber(found)) return `write ${Number(found)} without quotes`
  const words = parts.flatMap((part) => (part.code === 'invalid_value' ? part.values : []))
  return didYouMean(
    found,
    words.filter((word) => typeof word === 'string'),
  )
}

function wantsNumber(issue: Issue): boolean {
  return issue.code === 'invalid_type' && (issue.expected === 'number' || issue.expected === 'int')
}

/** A number in decimal digits, perhaps in quotes. */
function isPlainNumber(value: unknown): value is number | string {
  return (
    (typeof value === 'number' || typeof value === 'string') && /^\d{1,15}(\.\d{1,15})?$/.test(`${value}`)
  )
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}
