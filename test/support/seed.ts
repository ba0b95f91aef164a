import type { TestContext } from 'node:test'

/** The seed of a random test: printed, another one in each run, and WEIR_TEST_SEED sets it. 1 to 1,000,000. */
export function seedOf(t: TestContext): number {
  const seed = Number(process.env.WEIR_TEST_SEED ?? 1 + (Date.now() % 1_000_000))
  t.diagnostic(`WEIR_TEST_SEED=${seed}`)
  return seed
}
