import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuch, parseCommandLine, UsageError } from '../../src/usage-error.ts'

const options = { turns: { type: 'string', short: 't' }, passes: { type: 'boolean' } } as const

for (const [args, says] of [
  [['--turnz', '3'], 'unknown option \'--turnz\': did you mean "--turns"?'],
  [['--nothing-like-it'], "unknown option '--nothing-like-it'"],
  [['-x'], "unknown option '-x'"],
  [['--no-pases'], 'unknown option \'--no-pases\': did you mean "--no-passes"?'],
  [['--turns'], "option '-t, --turns <value>' argument missing"],
  [['--turns', '--passes'], "option '--turns' argument is ambiguous"],
  [['--passes=yes'], "option '--passes' does not take an argument"],
  [['stray'], "unexpected argument 'stray'"],
] as const) {
  test(`${args.join(' ')}_${says}`, () => {
    assert.throws(
      () => parseCommandLine({ args: [...args], options, allowNegative: true }),
      (error: Error) => {
        assert.ok(error instanceof UsageError)
        assert.equal(error.message, says)
        return true
      },
    )
  })
}

test('understood_as parseArgs has it', () => {
  const { values, positionals } = parseCommandLine({
    args: ['-t', '3', 'small', '--no-passes'],
    options,
    allowNegative: true,
    allowPositionals: true,
  })
  assert.deepEqual([{ ...values }, positionals], [{ turns: '3', passes: false }, ['small']])
})

test('name that nothing has_what was meant, else what there is', () => {
  const known = ['nginx', 'haproxy']
  assert.equal(noSuch('peer', 'ngnix', known).message, 'no peer is called "ngnix": did you mean "nginx"?')
  assert.equal(noSuch('peer', 'iis', known).message, 'no peer is called "iis"; there are: nginx, haproxy')
  assert.equal(noSuch('peer', 'iis', known, 'two').message, 'no peer is called "iis"; there are: two')
})
