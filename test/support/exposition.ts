/** Reads the text format of Prometheus strictly: what is not in its grammar, stands twice, or is no histogram and says so, is an error. */
import assert from 'node:assert/strict'

export interface Exposition {
  /** By family. */
  readonly kinds: ReadonlyMap<string, string>
  readonly helps: ReadonlyMap<string, string>
  /** By name and labels, as in `weir_workers` and `weir_worker_up{worker="1"}`; labels in alphabetical order. */
  readonly samples: ReadonlyMap<string, number>
}

const sampleLine = /^([a-z_]+)(?:\{(.*)\})? (-?[\d.]+(?:e[+-]?\d+)?|NaN|[+-]Inf)$/
const labelPair = /([a-z_]+)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,|$)/y

export function readExposition(text: string): Exposition {
  assert.ok(text.endsWith('\n'), 'the last line ends')
  const kinds = new Map<string, string>()
  const helps = new Map<string, string>()
  const samples = new Map<string, number>()
  let family = ''
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line)
    if (comment !== null) {
      const [, what, name, rest] = comment as unknown as [string, string, string, string]
      const into = what === 'HELP' ? helps : kinds
      assert.ok(!into.has(name), `${what} of ${name} stands once`)
      into.set(name, rest)
      family = name
      continue
    }
    const sample = sampleLine.exec(line)
    assert.ok(sample !== null, `a sample: ${line}`)
    const [, name, labels = '', value] = sample as unknown as [string, string, string | undefined, string]
    const own = kinds.get(family) === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name
    assert.equal(own, family, 'a family stands together')
    const key = name + sorted(labels)
    assert.ok(!samples.has(key), `${key} stands once`)
    samples.set(key, Number(value))
  }
  for (const [name, kind] of kinds) {
    assert.ok(helps.has(name), `${name} has a help`)
    if (kind === 'histogram') checkHistogram(name, samples)
  }
  return { kinds, helps, samples }
}

/** Each set of labels has a sum, a count, and buckets that grow with their bounds up to all. */
function checkHistogram(name: string, samples: Exposition['samples']): void {
  const counts = [...samples].filter(([key]) => key.startsWith(`${name}_count`))
  assert.ok(counts.length > 0, `${name} has samples`)
  const left = new Set([...samples.keys()].filter((key) => key.startsWith(`${name}_`)))
  for (const [key, count] of counts) {
    const labels = key.slice(`${name}_count`.length)
    assert.ok((samples.get(`${name}_sum${labels}`) as number) >= 0, `${key} has a sum`)
    left.delete(key)
    left.delete(`${name}_sum${labels}`)
    let [bound, most] = [Number.NEGATIVE_INFINITY, 0]
    for (const [bucket, value] of bucketsOf(name, labels, samples)) {
      const le = Number(/le="([^"]+)"/.exec(bucket)?.[1]?.replace('+Inf', 'Infinity'))
      assert.ok(le > bound, `${bucket} stands above the one before`)
      assert.ok(value >= most, `${bucket} has those below it`)
      ;[bound, most] = [le, value]
      left.delete(bucket)
    }
    assert.deepEqual([bound, most], [Number.POSITIVE_INFINITY, count], `${key} is what the last bucket has`)
  }
  assert.deepEqual([...left], [], `${name}: these belong to nothing`)
}

/** Samples with these labels and a bound, in the order of the text. */
export function bucketsOf(name: string, labels: string, samples: Exposition['samples']): [string, number][] {
  return [...samples].filter(([key]) => {
    if (!key.startsWith(`${name}_bucket{`)) return false
    const others = key
      .slice(`${name}_bucket`.length)
      .replace(/le="[^"]*",?/, '')
      .replace(/,\}$/, '}')
    return others === labels || (others === '{}' && labels === '')
  })
}

function sorted(labels: string): string {
  if (labels === '') return ''
  const pairs: string[] = []
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < labels.length) {
    const pair = labelPair.exec(labels)
    assert.ok(pair !== null, `labels: ${labels}`)
    pairs.push(`${pair[1]}="${pair[2]}"`)
  }
  return `{${pairs.sort().join(',')}}`
}
