/** Reads the text format of Prometheus strictly: what is not in its grammar, or stands twice, is an error. */
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
    assert.equal(name, family, 'a family stands together')
    const key = name + sorted(labels)
    assert.ok(!samples.has(key), `${key} stands once`)
    samples.set(key, Number(value))
  }
  for (const name of kinds.keys()) assert.ok(helps.has(name), `${name} has a help`)
  return { kinds, helps, samples }
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
