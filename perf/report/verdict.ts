/** Whether figures bear a claim out. The rule is the one that the report states, and is stricter than the eye. */
import { failedShare, mostFailed, mostForeign } from '../harness/doubt.ts'
import { type Spread, spread } from '../harness/statistics.ts'
import { formatNumber, formatSpread } from '../harness/table.ts'
import type { Turn } from '../harness/turn.ts'
import type { Claim, ErrorsClaim, RatioClaim, SpareClaim } from './experiment.ts'
import { coresBusy, cpuUs, errorsOf } from './figures.ts'
import type { Outcome } from './run.ts'

/** How far the median of the ratios has to be from 1, as a factor, for a difference to be one. */
export const threshold = 1.05
/** Cores that a balancer may keep busy before it is called the limit itself. */
export const spareBelow = 0.9

export interface Verdict {
  /** Two or three words that stand at the head of the sentence. */
  readonly answer: string
  /** The figures that it rests on, as the rest of the sentence. */
  readonly because: string
}

export interface ClaimVerdict extends Verdict {
  /** The claim's sentence. */
  readonly says: string
}

/** Of each claim of an experiment, in order; none where nothing was measured: that is said once. */
export function verdictsOf({
  experiment,
  measured,
}: Pick<Outcome, 'experiment' | 'measured'>): readonly ClaimVerdict[] {
  if (measured.size === 0) return []
  const turnsOf = (variant: string) => measured.get(variant)?.turns
  return experiment.claims.map((claim) => ({ says: claim.says, ...judge(claim, turnsOf) }))
}

type TurnsOf = (variant: string) => readonly Turn[] | undefined

export function judge(claim: Claim, turnsOf: TurnsOf): Verdict {
  const names =
    claim.kind === 'ratio'
      ? [claim.of, claim.to]
      : claim.kind === 'errors'
        ? [claim.of, claim.without]
        : [claim.of]
  for (const name of names) {
    if (turnsOf(name) === undefined) return { answer: 'Not measured', because: `\`${name}\` did not run.` }
  }
  if (claim.kind === 'ratio') return judgeRatio(claim, turnsOf(claim.of)!, turnsOf(claim.to)!)
  if (claim.kind === 'spare') return judgeSpare(claim, turnsOf(claim.of)!)
  return judgeErrors(claim, turnsOf(claim.of)!, turnsOf(claim.without)!)
}

/** A difference, if there is one: all pairs lie on one side and their median beyond the threshold. */
export function direction(ratios: readonly number[]): 'higher' | 'lower' | null {
  if (ratios.length < 2) return null
  const { median, min, max } = spread(ratios)
  if (min > 1 && median >= threshold) return 'higher'
  if (max < 1 && median <= 1 / threshold) return 'lower'
  return null
}

function judgeRatio(claim: RatioClaim, of: readonly Turn[], to: readonly Turn[]): Verdict {
  const failing = [
    [claim.of, of],
    [claim.to, to],
  ].find(([, turns]) => failedShare(turns as readonly Turn[]) > mostFailed)
  if (failing !== undefined) {
    const [name, turns] = failing as [string, readonly Turn[]]
    const percent = formatNumber(failedShare(turns) * 100, 1)
    return { answer: 'Not comparable', because: `${percent} % of the requests to \`${name}\` failed.` }
  }
  const values = (turns: readonly Turn[]) =>
    claim.figure === 'cpu' ? turns.map(cpuUs) : turns.map((turn) => turn.load.requestsPerSecond)
  const [ours, theirs] = [values(of), values(to)]
  if ([...ours, ...theirs].some((value) => value === null)) {
    return { answer: 'Not measured', because: 'This machine does not tell CPU time.' }
  }
  const ratios = ours.map((value, turn) => value! / theirs[turn]!)
  const figure = claim.figure === 'cpu' ? 'CPU time per request' : 'rate'
  const because = `\`${claim.of}\` had ${times(spread(ratios))} times the ${figure} of \`${claim.to}\`, ${inHowMany(ratios)}`
  const noise = claim.figure === 'cpu' || ratios.length < 2 ? null : disturbed([...of, ...to])
  if (noise !== null) return { ...noise, because: `${because}, ${noise.because}` }
  return { answer: answerOf(claim.expects, direction(ratios), ratios), because: `${because}.` }
}

/** Null if others left the machine to these turns, or nobody can tell. */
function disturbed(turns: readonly Turn[]): Verdict | null {
  const share = foreignShare(turns.map((turn) => turn.foreign))
  if (share === null || share <= mostForeign) return null
  return {
    answer: 'Not tested: the machine was not quiet',
    because: `while others had ${formatNumber(share * 100, 1)} % of the machine.`,
  }
}

/** The mean of those that are known; null if none is. */
export function foreignShare(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share) => share !== null)
  return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length
}

function answerOf(
  expects: RatioClaim['expects'],
  found: 'higher' | 'lower' | null,
  ratios: readonly number[],
): string {
  if (ratios.length < 2) return 'Not tested: one turn is no evidence'
  if (expects === null)
    return found === null ? 'No difference shown' : found === 'higher' ? 'Higher' : 'Lower'
  if (expects === 'not-lower') {
    if (found === 'lower') return 'Does not hold here'
    return Math.min(...ratios) >= 1 / threshold ? 'Holds here' : 'Not shown here'
  }
  if (found === null) return 'Not shown here'
  return found === expects ? 'Holds here' : 'The opposite holds here'
}

function inHowMany(ratios: readonly number[]): string {
  const above = ratios.filter((ratio) => ratio > 1).length
  const below = ratios.filter((ratio) => ratio < 1).length
  const [count, word] = above >= below ? [above, 'higher'] : [below, 'lower']
  return count === ratios.length ? `${word} in every turn` : `${word} in ${count} of ${ratios.length} turns`
}

function judgeSpare({ of }: SpareClaim, turns: readonly Turn[]): Verdict {
  const busy = turns.map(coresBusy).filter((cores) => cores !== null)
  if (busy.length < turns.length)
    return { answer: 'Not measured', because: 'This machine does not tell CPU time.' }
  const cores = spread(busy)
  const kept = `\`${of}\` kept ${formatSpread(cores, 2)} of a core busy`
  const noise = disturbed(turns)
  if (noise !== null) return { ...noise, because: `${kept}, ${noise.because}` }
  const answer =
    cores.max < spareBelow
      ? 'Holds here'
      : cores.median >= spareBelow
        ? 'Does not hold here'
        : 'Not shown here'
  return { answer, because: `${kept}.` }
}

function judgeErrors(claim: ErrorsClaim, of: readonly Turn[], without: readonly Turn[]): Verdict {
  const counts = (turns: readonly Turn[]) => turns.map((turn) => errorsOf(turn, claim.error))
  const [before, after] = [counts(of), counts(without)]
  const sum = (values: readonly number[]) => formatNumber(values.reduce((total, value) => total + value, 0))
  const because = `${claim.error} errors in all turns: ${sum(before)} with \`${claim.of}\`, ${sum(after)} with \`${claim.without}\`.`
  if (before.every((count) => count === 0))
    return { answer: 'Not tested: there were none to disappear', because }
  if (after.some((count) => count > 0)) return { answer: 'Does not hold here', because }
  return {
    answer: before.length > 1 && before.every((count) => count > 0) ? 'Holds here' : 'Not shown here',
    because,
  }
}

/** Two digits, or three where two would call a difference none. */
function times(ratios: Spread): string {
  return formatSpread(ratios, ratios.median < 0.1 ? 3 : 2)
}
