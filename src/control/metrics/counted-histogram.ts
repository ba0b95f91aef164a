/**
 * A histogram of what others have counted into buckets: the library's own can only be told one value at a time.
 *
 *     1 ms: 2, 2.5 ms: 0, …, more: 1   ──►   le="0.001" 2, le="0.0025" 2, …, le="+Inf" 3
 */
import { Histogram, type MetricValueWithName } from 'prom-client'
import { durationBoundsMs } from '../../plan/request-stats.ts'
import type { HistogramFamily } from './families.ts'

type Labels = Readonly<Record<string, string>>

const bounds: readonly string[] = [...durationBoundsMs.map((ms) => `${ms / 1_000}`), '+Inf']

/** @returns the library's, for a registry, with these values in it and no others */
export function countedHistogram<Item>(
  { name, help, value }: HistogramFamily<Item>,
  samples: readonly (readonly [labels: Labels, item: Item])[],
): Histogram {
  const labelNames = Object.keys(samples[0]?.[0] ?? {})
  const histogram = new Histogram({ name, help, labelNames, registers: [] })
  const empty = histogram.get()
  const get: Histogram['get'] = async () => ({
    ...(await empty),
    values: samples.flatMap(([labels, item]) => valuesOf(name, labels, value(item))),
  })
  // A registry asks a histogram for the second, if it has it.
  return Object.assign(histogram, { get, getForPromString: get })
}

function valuesOf(
  name: string,
  labels: Labels,
  { durations, sumMs }: ReturnType<HistogramFamily<unknown>['value']>,
): MetricValueWithName<string>[] {
  let count = 0
  const buckets = bounds.map((le, index) => {
    count += durations[index] as number
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
