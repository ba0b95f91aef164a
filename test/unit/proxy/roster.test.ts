/** Who is in turn, from what is known of each. What follows for an upstream's queue and its picks stands in upstream.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Outlier, type OutlierState, type Trouble } from '../../../src/proxy/outliers.ts'
import { type Member, Roster } from '../../../src/proxy/roster.ts'

interface Known {
  healthy?: boolean
  retired?: boolean
  inService?: boolean
  backup?: boolean
  state?: OutlierState
  trouble?: Trouble
}

class FakeMember implements Member {
  readonly outlier = new Outlier()
  readonly capacity = 4
  readonly name: string
  readonly healthy: boolean
  readonly retired: boolean
  readonly inService: boolean
  readonly backup: boolean
  inTurn = false
  limited = false
  inFlightMax = 0
  inFlight = 0

  constructor(name: string, known: Known) {
    this.name = name
    this.healthy = known.healthy ?? true
    this.retired = known.retired ?? false
    this.inService = known.inService ?? true
    this.backup = known.backup ?? false
    this.outlier.state = known.state ?? 'in'
    this.outlier.trouble = known.trouble ?? 'unreachable'
  }

  get suspended(): boolean {
    return this.outlier.state === 'out'
  }

  get available(): boolean {
    return this.healthy && !this.suspended && !this.retired
  }

  get free(): boolean {
    return this.inFlight < this.inFlightMax
  }
}

const nobodyLifted = (): void => {}
const names = (members: readonly FakeMember[]): string => members.map(({ name }) => name).join('')

/** Members `a`, `b` …, drawn once. */
function drawn(all: readonly Known[], followsCookies = false) {
  const members = all.map((known, index) => new FakeMember(String.fromCharCode(97 + index), known))
  const roster = new Roster<FakeMember>()
  const draw = () => roster.draw(members, followsCookies, nobodyLifted)
  draw()
  const [a, b] = members as [FakeMember, FakeMember]
  return { roster, members, a, b, draw }
}

const failing: Known = { state: 'out', trouble: 'failing' }
const slow: Known = { state: 'out', trouble: 'slow' }
const refusing: Known = { state: 'out', trouble: 'unreachable' }
const probed: Known = { state: 'probing', trouble: 'unreachable' }

const turns: readonly (readonly [what: string, members: readonly Known[], inTurn: string])[] = [
  ['all are well', [{}, {}, {}], 'abc'],
  ['one is unhealthy', [{}, { healthy: false }, {}], 'ac'],
  ['one has retired', [{ retired: true }, {}], 'b'],
  ['one drains, or has no weight', [{ inService: false }, {}], 'b'],
  ['one is ejected', [{}, refusing], 'a'],
  ['one is probed', [{}, probed], 'ab'],
  ['a backup beside another', [{}, { backup: true }], 'a'],
  ['a backup, the other is unhealthy', [{ healthy: false }, { backup: true }], 'b'],
  ['a backup, the other is probed', [probed, { backup: true }], 'ab'],
  ['all are backups', [{ backup: true }, { backup: true }], 'ab'],
  ['all fail', [failing, failing], 'ab'],
  ['some fail, the others refuse', [failing, refusing], 'a'],
  ['one is slow', [slow, {}], 'b'],
  ['one is slow, the others refuse', [slow, refusing], 'a'],
  ['some fail, one is in', [failing, {}], 'b'],
  ['all fail, but for a backup', [failing, { backup: true }], 'b'],
  ['all refuse', [refusing, refusing], ''],
  ['nobody', [], ''],
]

for (const [what, members, inTurn] of turns) {
  test(`${what}_${inTurn === '' ? 'nobody' : [...inTurn].join(', ')} in turn`, () => {
    const { roster, members: all } = drawn(members)
    assert.equal(names(roster.inTurn), inTurn)
    assert.equal(names(all.filter((member) => member.inTurn)), inTurn)
    assert.deepEqual([roster.empty, roster.down], [inTurn === '', inTurn === ''])
  })
}

test('cookies_lead to whoever is available, in turn or not, and keep the upstream up', () => {
  const all: Known[] = [{ inService: false }, { healthy: false }, refusing, { retired: true }]
  const { roster } = drawn(all, true)
  assert.deepEqual([names(roster.inTurn), names(roster.reachable)], ['', 'a'])
  assert.deepEqual([roster.empty, roster.down], [false, false])
  assert.deepEqual([drawn(all, false).roster.empty, drawn(all, false).roster.down], [true, true])
})

test('failing open_whoever fails is reachable, without a limit', () => {
  const { roster, a, draw } = drawn([failing, refusing])
  assert.equal(roster.failingOpen, true)
  assert.deepEqual([names(roster.reachable), a.limited, a.inFlightMax], ['a', false, 4])
  a.outlier.state = 'probing'
  draw()
  assert.deepEqual([roster.failingOpen, a.limited], [true, false])
  a.outlier.state = 'in'
  draw()
  assert.equal(roster.failingOpen, false)
})

test('probed, drawn again with the probe under way_no room for another', () => {
  const { roster, a, draw } = drawn([probed, refusing])
  assert.deepEqual([a.limited, a.inFlightMax, roster.down], [true, 4, false])
  a.inFlightMax = 0
  draw()
  assert.deepEqual([a.limited, a.inFlightMax, roster.empty, roster.down], [true, 0, false, true])
  a.outlier.state = 'in'
  draw()
  assert.deepEqual([a.limited, a.inFlightMax, roster.down], [false, 4, false])
})

test('all refuse_unreachable, and still so while there are only probes', () => {
  const { roster, a, draw } = drawn([refusing, refusing])
  assert.equal(roster.unreachable, true)
  a.outlier.state = 'probing'
  draw()
  assert.deepEqual([roster.empty, roster.unreachable], [false, true])
  a.outlier.state = 'in'
  draw()
  assert.equal(roster.unreachable, false)
  a.outlier.state = 'probing'
  draw()
  assert.equal(roster.unreachable, false, 'probed, but not before all refused')
})

test('the checks find nobody healthy_that is not unreachable', () => {
  assert.equal(drawn([{ healthy: false }]).roster.unreachable, false)
})

test('others_those in turn and not just probed', () => {
  const { roster, a, b } = drawn([{}, probed])
  assert.deepEqual([roster.hasOther(a), roster.hasOther(b)], [false, true])
  assert.deepEqual([roster.isOnly(a), roster.isOnly(b)], [false, false])
  const alone = drawn([{}, refusing])
  assert.deepEqual([alone.roster.isOnly(alone.a), alone.roster.isOnly(alone.b)], [true, false])
})

test('nobody is in_the usable ones may be lifted, and are in turn then', () => {
  const members = [new FakeMember('a', refusing), new FakeMember('b', { ...refusing, healthy: false })]
  const roster = new Roster<FakeMember>()
  roster.draw(members, false, (usable) => {
    assert.equal(names(usable), 'a')
    for (const { outlier } of usable) outlier.state = 'in'
  })
  assert.equal(names(roster.inTurn), 'a')
  roster.draw(members, false, () => assert.fail('somebody is in'))
})

test('whatever is known of them_the invariants hold', () => {
  const known = fc.record({
    healthy: fc.boolean(),
    retired: fc.boolean(),
    inService: fc.boolean(),
    backup: fc.boolean(),
    state: fc.constantFrom<OutlierState>('in', 'out', 'probing'),
    trouble: fc.constantFrom<Trouble>('unreachable', 'failing', 'slow'),
  })
  fc.assert(
    fc.property(fc.array(known, { maxLength: 6 }), fc.boolean(), (all, followsCookies) => {
      const { roster, members } = drawn(all, followsCookies)
      assert.deepEqual(
        roster.inTurn,
        members.filter(({ inTurn }) => inTurn),
        'in their order',
      )
      for (const member of roster.inTurn) {
        assert.ok(member.healthy && !member.retired && member.inService, 'usable')
        assert.ok(roster.reachable.includes(member), 'reachable')
        assert.ok(!member.suspended || roster.failingOpen, 'ejected, and nobody fails open')
      }
      const takers = followsCookies ? roster.reachable : roster.inTurn
      assert.equal(roster.empty, takers.length === 0)
      const somebodyIsIn = roster.inTurn.some(({ outlier }) => outlier.state === 'in')
      assert.ok(!(roster.failingOpen && somebodyIsIn), 'fails open although somebody is in')
      for (const { inFlightMax, capacity } of members) assert.equal(inFlightMax, capacity)
    }),
  )
})
