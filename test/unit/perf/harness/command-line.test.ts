/** Every command of perf/, as it is called: what it does not understand ends it before anything is measured. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const perf = join(import.meta.dirname, '../../../../perf')

function run(file: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(perf, file), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

/** Run by bench.ts. */
const ofBench = ['overload.ts', 'instructions.ts', 'head-of-line.ts', 'record.ts']
const takesNothing = ['balance', 'budgets']

const cases: readonly (readonly [file: string, args: readonly string[], reason: string, help: string])[] = [
  [
    'bench.ts',
    ['--turnz', '3'],
    'bench: unknown option \'--turnz\': did you mean "--turns"?',
    'npm run bench -- --help',
  ],
  [
    'bench.ts',
    ['smal'],
    'bench: no scenario or suite is called "smal": did you mean "small"?',
    'npm run bench -- --help',
  ],
  [
    'bench.ts',
    ['--peers', 'ngnix'],
    'bench: no peer is called "ngnix": did you mean "nginx"?',
    'npm run bench -- --help',
  ],
  [
    'bench.ts',
    ['--turns', '0'],
    'bench: --turns: expected a whole number from 1 to 1000, found "0"',
    'npm run bench -- --help',
  ],
  [
    'bench.ts',
    ['--record'],
    'bench: --record: expected files of results, found none',
    'npm run bench -- --help',
  ],
  [
    'bench.ts',
    ['overload', 'slot'],
    'bench overload: no setup is called "slot": did you mean "slots"?',
    'npm run bench overload -- --help',
  ],
  [
    'bench.ts',
    ['overload', '--fulll'],
    'bench overload: unknown option \'--fulll\': did you mean "--full"?',
    'npm run bench overload -- --help',
  ],
  [
    'bench.ts',
    ['instructions', 'brwoser'],
    'bench instructions: no scenario or suite is called "brwoser": did you mean "browser"?',
    'npm run bench instructions -- --help',
  ],
  [
    'bench.ts',
    ['instructions', '--at-one', '2'],
    'bench instructions: unknown option \'--at-one\': did you mean "--at-once"?',
    'npm run bench instructions -- --help',
  ],
  [
    'bench.ts',
    ['head-of-line', '16-on-5'],
    'bench head-of-line: no case is called "16-on-5": did you mean "16-on-4"?',
    'npm run bench head-of-line -- --help',
  ],
  [
    'profile.ts',
    ['--dif'],
    'profile: unknown option \'--dif\': did you mean "--diff"?',
    'npm run profile -- --help',
  ],
  [
    'profile.ts',
    ['origin'],
    'profile: "origin" is an origin alone: there is no Weir to profile',
    'npm run profile -- --help',
  ],
  [
    'report.ts',
    ['--only', 'conections'],
    'report: no experiment is called "conections": did you mean "connections"?',
    'npm run report -- --help',
  ],
  [
    'memory.ts',
    ['--turns', '0'],
    'perf/memory.ts: --turns: expected a whole number from 1 to 20, found "0"',
    'node perf/memory.ts --help',
  ],
  ['memory.ts', ['busy'], "perf/memory.ts: unexpected argument 'busy'", 'node perf/memory.ts --help'],
  [
    'shedding.ts',
    ['--turnz', '1'],
    'perf/shedding.ts: unknown option \'--turnz\': did you mean "--turns"?',
    'node perf/shedding.ts --help',
  ],
  ['report.ts', ['capacity'], "report: unexpected argument 'capacity'", 'npm run report -- --help'],
  ['charts.ts', [], 'charts: expected RESULTS.json [FOLDER], found nothing', 'node perf/charts.ts --help'],
  ...takesNothing.map(
    (name) =>
      [
        `${name}.ts`,
        ['--turns', '3'],
        `perf/${name}.ts: unknown option '--turns'`,
        `node perf/${name}.ts --help`,
      ] as const,
  ),
]

for (const [file, args, reason, help] of cases) {
  test(`${file} ${args.join(' ')}_exit 2, what is wrong, and where help is`, () => {
    const stderr = `${reason}\nTry "${help}" for what it takes.\n`
    assert.deepEqual(run(file, ...args), { status: 2, stdout: '', stderr })
  })
}

test('help_is on standard output, with exit 0, whatever the command', () => {
  const commands = readdirSync(perf).filter((name) => name.endsWith('.ts') && !ofBench.includes(name))
  assert.deepEqual(
    takesNothing.filter((name) => !commands.includes(`${name}.ts`)),
    [],
  )
  for (const [file, ...before] of [
    ...commands.map((name) => [name]),
    ['bench.ts', 'overload'],
    ['bench.ts', 'instructions'],
    ['bench.ts', 'head-of-line'],
  ]) {
    const { status, stdout, stderr } = run(file as string, ...before, '--help')
    assert.deepEqual([status, stderr], [0, ''], file)
    assert.match(stdout, /^usage: n/)
  }
})
