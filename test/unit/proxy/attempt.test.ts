import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../../src/plan/outcome.ts'
import { outcomes } from '../../../src/plan/outcome.ts'
import type { Applicant, Ticket } from '../../../src/proxy/admission.ts'
import { Attempt, type AttemptContext } from '../../../src/proxy/attempt.ts'
import type { AttemptListener } from '../../../src/proxy/attempt-listener.ts'
import { copyPiece, giveBack, taken } from '../../../src/proxy/body/piece.ts'
import { RequestBody } from '../../../src/proxy/body/request-body.ts'
import type { Endpoint } from '../../../src/proxy/endpoint.ts'
import { interimBytesMax } from '../../../src/proxy/headers/interim.ts'
import type { Outgoing } from '../../../src/proxy/undici-request.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { departingAtOnce } from '../../support/fakes/data-plane-context.ts'
import { upstreamPlan } from '../../support/fakes/plans.ts'
import { FakeUpstreamSide } from '../../support/fakes/undici-client.ts'

/** Writes down what it is told. */
class Listener implements AttemptListener {
  readonly address = '192.0.2.7'
  readonly told: string[] = []
  takesMore = true
  takesInterim = true
  failed: Outcome | null = null

  onStarted(): void {
    this.told.push('started')
  }

  onInterim(interim: string): boolean {
    this.told.push(`interim ${interim}`)
    return this.takesInterim
  }

  onHead(status: number, _rawHeaders: readonly Buffer[], interim: string): void {
    this.told.push(`head ${interim}${status}`)
  }

  onChunk(chunk: Buffer): boolean {
    this.told.push(`chunk ${chunk.latin1Slice()}`)
    return this.takesMore
  }

  onEnd(): void {
    this.told.push('end')
  }

  onFailed(outcome: Outcome): void {
    this.failed = outcome
    this.told.push(`failed ${outcome.code}`)
  }
}

const unused = { pause: () => undefined, resume: () => undefined }

type Request = Outgoing & { readonly body: Buffer | RequestBody | null }

function outgoing(changes: Partial<Request> = {}): Request {
  return { method: 'GET', target: '/x', host: 'a', headers: [], contentLength: -1, body: null, ...changes }
}

/** One attempt under way, with a place taken for it. */
class Kit {
  readonly listener = new Listener()
  readonly spare: Attempt[] = []
  /** What was logged as a defect. */
  readonly defects: unknown[] = []
  readonly context: AttemptContext = {
    spareAttempts: this.spare,
    departures: departingAtOnce,
    recorder: { defect: (error) => void this.defects.push(error) },
  }
  readonly upstream = new Upstream(upstreamPlan(), new Set(), () => 0)
  readonly side = new FakeUpstreamSide(this.upstream)
  readonly endpoint = this.upstream.endpoints[0] as Endpoint
  readonly attempt: Attempt

  constructor(request: Request = outgoing(), attempt?: Attempt) {
    this.attempt = attempt ?? new Attempt(this.context)
    this.begin(request)
  }

  begin(request: Request = outgoing(), fresh = false): void {
    let ticket: Ticket | null = null
    const applicant: Applicant = {
      queued: (given) => {
        ticket = given
      },
      admitted: () => undefined,
      shed: () => undefined,
    }
    this.upstream.admission.enter(applicant)
    this.attempt.begin(
      this.listener,
      this.upstream,
      this.endpoint,
      ticket as unknown as Ticket,
      request,
      request.body,
      fresh,
    )
  }

  get call() {
    return this.side.last
  }

  /** At the latest when the turn is over. */
  async assertGivenBack(): Promise<void> {
    await Promise.resolve()
    assert.equal(this.upstream.admission.running, 0, 'the place is given back')
    assert.equal(this.endpoint.inFlight, 0, 'the connection is given back')
    assert.deepEqual(this.spare, [this.attempt], 'the attempt is in the pool, once')
    assert.equal(this.attempt.endpoint, null)
    assert.equal(this.attempt.started, false)
  }
}

test('begin_sends what is outgoing, asks for the connection that is wanted', () => {
  const kit = new Kit(
    outgoing({ method: 'PUT', target: '/y?z', host: 'c', headers: ['a', 'b'], body: Buffer.from('c') }),
  )
  const { method, path, host, headers, body } = kit.call
  assert.deepEqual([method, path, host, headers, body], ['PUT', '/y?z', 'c', ['a', 'b'], Buffer.from('c')])
  assert.deepEqual(kit.side.fresh, [false])
  assert.equal(kit.attempt.started, false)
  assert.equal(kit.attempt.endpoint, kit.endpoint)
})

test('answer from head to end_told in order, everything given back', async () => {
  const kit = new Kit()
  kit.call.connect()
  assert.equal(kit.attempt.started, true)
  kit.call.head(200)
  kit.call.data('a')
  kit.call.data('b')
  kit.call.complete()
  assert.deepEqual(kit.listener.told, ['started', 'head 200', 'chunk a', 'chunk b', 'end'])
  await kit.assertGivenBack()
})

test('interim responses_told with the head they came before (RFC 9110, section 15.2)', () => {
  const kit = new Kit()
  kit.call.connect()
  kit.call.head(102)
  kit.call.head(103, [['link', '</a>']])
  kit.call.head(204)
  assert.deepEqual(kit.listener.told, [
    'started',
    'head 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204',
  ])
})

test('interim responses and no head yet_told when the read is over, once, and within the budget of their bytes', async () => {
  const kit = new Kit()
  const hint = '103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 '
  kit.call.connect()
  kit.listener.takesInterim = false
  kit.call.head(103, [['link', '</a>']])
  assert.deepEqual(kit.listener.told, ['started'])
  await Promise.resolve()
  kit.listener.takesInterim = true
  kit.call.head(103, [['link', '</a>']])
  await Promise.resolve()
  kit.call.head(103, [['link', 'a'.repeat(interimBytesMax - 200)]])
  await Promise.resolve()
  kit.call.head(103, [['link', '</b>'.repeat(50)]])
  await Promise.resolve()
  kit.call.head(103, [['link', '</a>']])
  kit.call.head(200)
  await Promise.resolve()
  const told = kit.listener.told.map((line) => line.replace(/a{100,}/, 'aaa'))
  assert.deepEqual(told, [
    'started',
    `interim ${hint}`,
    `interim ${hint}${hint}`,
    `interim ${hint.replace('</a>', 'aaa')}`,
    `head ${hint}200`,
  ])
})

test('listener wants no more for now_paused until resume', () => {
  const kit = new Kit()
  kit.listener.takesMore = false
  kit.call.connect()
  kit.call.head(200)
  assert.equal(kit.call.data('a'), false)
  kit.attempt.resume()
  assert.equal(kit.call.paused, false)
})

test('failed before it started_reported, everything given back', async () => {
  const kit = new Kit()
  kit.call.fail(new Error('connect ECONNREFUSED'))
  assert.deepEqual(kit.listener.told, ['failed connect_failed'])
  await kit.assertGivenBack()
})

test('failed within the response_reported as truncated', async () => {
  const kit = new Kit()
  kit.call.connect()
  kit.call.head(200)
  kit.call.fail(new Error('other side closed'))
  assert.equal(kit.listener.failed, outcomes.responseTruncated)
  await kit.assertGivenBack()
})

test('used again_begins as new: neither started nor with a head', async () => {
  const kit = new Kit()
  kit.call.connect()
  kit.call.head(200)
  kit.call.complete()
  await Promise.resolve()
  kit.spare.pop()
  kit.begin(outgoing({ method: 'DELETE' }), true)
  assert.deepEqual(kit.side.fresh, [false, true])
  kit.call.connect()
  kit.call.fail(new Error('other side closed'))
  assert.equal(kit.listener.failed, outcomes.endpointReset)
  await kit.assertGivenBack()
})

test('cancelled before it started_nothing is given back until the connection stands; then it is not sent', async () => {
  const kit = new Kit()
  kit.attempt.cancel()
  assert.equal(kit.upstream.admission.running, 1)
  assert.deepEqual(kit.spare, [])
  kit.call.connect()
  assert.equal(kit.call.ended, true, 'taken back by an exception in onConnect')
  assert.equal(kit.call.aborted, null, 'not aborted, which would cost a good connection')
  assert.deepEqual(kit.listener.told, [])
  await kit.assertGivenBack()
})

test('cancelled before it started, and the connection fails_nothing is reported', async () => {
  const kit = new Kit()
  kit.attempt.cancel()
  kit.call.fail(new Error('connect ECONNREFUSED'))
  assert.deepEqual(kit.listener.told, [])
  await kit.assertGivenBack()
})

for (const phase of ['started', 'head', 'chunk', 'paused'] as const) {
  test(`cancelled after ${phase}_aborted at once, nothing is reported, everything given back`, async () => {
    const kit = new Kit()
    kit.listener.takesMore = phase !== 'paused'
    kit.call.connect()
    if (phase !== 'started') kit.call.head(200)
    if (phase === 'chunk' || phase === 'paused') kit.call.data('a')
    const told = [...kit.listener.told]
    kit.attempt.cancel()
    assert.ok(kit.call.aborted)
    assert.deepEqual(kit.listener.told, told)
    await kit.assertGivenBack()
  })
}

test('cancelled twice, or after its end_once is enough', async () => {
  const kit = new Kit()
  kit.call.connect()
  kit.attempt.cancel()
  kit.attempt.cancel()
  await kit.assertGivenBack()
  const other = new Kit()
  other.call.connect()
  other.call.head(204)
  other.call.complete()
  other.attempt.cancel()
  await other.assertGivenBack()
})

for (const how of ['complete', 'fail'] as const) {
  test(`detached, then ${how}_goes on unheard, everything given back`, async () => {
    const kit = new Kit()
    kit.call.connect()
    kit.call.head(200)
    kit.attempt.detach()
    assert.equal(kit.call.data('dropped'), true)
    if (how === 'complete') kit.call.complete()
    else kit.call.fail(new Error('RES_CONTENT_LENGTH_MISMATCH'))
    assert.deepEqual(kit.listener.told, ['started', 'head 200'])
    await kit.assertGivenBack()
  })
}

test('detached while paused_is resumed: undici would wait for ever, and the place with it', async () => {
  // A client that was slow to take the last chunk: the response is complete from `onWritable`.
  const kit = new Kit()
  kit.listener.takesMore = false
  kit.call.connect()
  kit.call.head(200)
  kit.call.data('the last chunk')
  kit.attempt.detach()
  assert.equal(kit.call.paused, false)
  kit.call.complete()
  await kit.assertGivenBack()
})

test('connection broke under a pipelined request, head not seen_an idempotent one may be sent again', async () => {
  const kit = new Kit()
  kit.call.connect()
  kit.call.connect()
  kit.call.head(200)
  kit.call.complete()
  assert.equal(kit.listener.failed, null)
  await kit.assertGivenBack()
})

test('undici writes a whole body once more by itself_its memory is nobody else’s before that write is done, too', async () => {
  const body = copyPiece(new ArrayBuffer(10_000))
  const next = () => copyPiece(new ArrayBuffer(10_000)).buffer
  const kit = new Kit(outgoing({ body }))
  kit.call.connect()
  taken(body)
  kit.call.connect()
  kit.call.head(400)
  kit.call.complete()
  await kit.assertGivenBack()
  giveBack(body)
  assert.notEqual(next(), body.buffer)
  taken(body)
  assert.equal(next(), body.buffer)
})

test('taken back before it is written_the memory of its body is free at once', async () => {
  const body = copyPiece(new ArrayBuffer(10_000))
  const kit = new Kit(outgoing({ body }))
  kit.attempt.cancel()
  giveBack(body)
  assert.equal(copyPiece(new ArrayBuffer(10_000)).buffer, body.buffer)
  kit.call.connect()
  await kit.assertGivenBack()
})

for (const [condition, request, head] of [
  ['a request that is not idempotent', outgoing({ method: 'POST' }), false],
  ['a request whose answer has begun', outgoing(), true],
  ['a request whose body is gone', outgoing({ method: 'PUT', body: new RequestBody(unused) }), false],
] as const) {
  test(`undici sends ${condition} again_refused (RFC 9110, section 9.2.2)`, async () => {
    // With pipelining, the end of one request can break the connection under the others: undici 7 then starts them
    // over, whatever their method and however much of the answer has been passed on.
    const kit = new Kit(request)
    kit.call.connect()
    if (head) kit.call.head(200)
    const before = [...kit.listener.told]
    kit.call.connect()
    assert.equal(kit.call.ended, true)
    const failure = head ? outcomes.responseTruncated : outcomes.endpointReset
    assert.deepEqual(kit.listener.told, [...before, `failed ${failure.code}`])
    await kit.assertGivenBack()
  })
}

test('ticket given back_last of all: who comes next may take this very attempt, but not from inside', async () => {
  const kit = new Kit()
  const seen: unknown[] = []
  kit.upstream.admission.enter({
    queued: () => undefined,
    shed: () => undefined,
    admitted: () => seen.push(kit.spare.at(-1), kit.endpoint.inFlight, kit.attempt.endpoint),
  })
  kit.call.connect()
  kit.call.head(204)
  kit.call.complete()
  assert.deepEqual(seen, [], 'what stands behind the response in the same read must find nobody')
  await Promise.resolve()
  assert.deepEqual(seen, [kit.attempt, 0, null])
})

for (const place of ['onStarted', 'onInterim', 'onHead', 'onChunk', 'onEnd', 'onFailed'] as const) {
  test(`listener throws in ${place}_it is told that it failed for a defect, which is logged once; the attempt is not used again`, async () => {
    const kit = new Kit()
    const { call, listener, defects, endpoint } = kit
    const defect = new Error('a defect')
    const told: (...parameters: never[]) => unknown = listener[place].bind(listener)
    let times = 0
    Object.defineProperty(listener, place, {
      value: (...parameters: never[]) => {
        if (times++ === 0) throw defect
        return told(...parameters)
      },
    })
    call.connect()
    if (!call.ended) call.head(103)
    await Promise.resolve()
    if (place === 'onFailed') call.fail(new Error('other side closed'))
    if (!call.ended) call.head(200)
    if (!call.ended) call.data('a')
    if (!call.ended) call.complete()
    await Promise.resolve()
    assert.equal(listener.failed, outcomes.internal)
    assert.deepEqual(defects, [defect])
    assert.equal(kit.upstream.admission.running, 0, 'the place is given back')
    assert.equal(endpoint.inFlight, 0, 'the connection is given back')
    assert.deepEqual(kit.spare, [])
    call.ended = false
    call.fail(new Error('The client is destroyed'))
    assert.deepEqual(defects, [defect], 'undici fails it once more: that is nobody’s any more')
  })
}

test('nobody waits any more, and something of ours throws_logged all the same', async () => {
  const kit = new Kit()
  kit.call.connect()
  kit.attempt.detach()
  const defect = new TypeError('a defect')
  kit.upstream.answered = () => {
    throw defect
  }
  kit.call.head(200)
  await Promise.resolve()
  assert.deepEqual(kit.defects, [defect])
  assert.equal(kit.upstream.admission.running, 0)
})
