import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyPiece, handOver, streamPieceBytes, taken } from '../../../../src/proxy/body/piece.ts'
import { RequestBody } from '../../../../src/proxy/body/request-body.ts'
import { Upload } from '../../../../src/proxy/body/upload.ts'
import { FakeResponse } from '../../../support/fakes/http-response.ts'

/** @param bytesMax what the body may have; 0: anything. @param wholeBytes of a body that is waited for; 0: it is not */
function begin(bytesMax = 0, wholeBytes = 0) {
  const res = new FakeResponse()
  const told: string[] = []
  const upload = new Upload(
    () => told.push('moved'),
    () => told.push('overrun'),
  )
  upload.begin(res.native, () => told.push('ready'), bytesMax, wholeBytes)
  return { res, upload, told }
}

/** What undici has been given, once it asks. */
function consume(body: Buffer | RequestBody | null): string[] {
  assert.ok(body instanceof RequestBody)
  const seen: string[] = []
  body.on('data', (piece: Buffer) => seen.push(piece.toString()))
  body.on('end', () => seen.push('end'))
  body.resume()
  return seen
}

test('new_no body, which can be sent any number of times', () => {
  const upload = new Upload(
    () => assert.fail('moved'),
    () => assert.fail('overrun'),
  )
  const { replayable, delivering, coming, awaitsClient, paused } = upload
  const body = upload.body
  assert.deepEqual(
    { body, replayable, delivering, coming, awaitsClient, paused },
    { body: null, replayable: true, delivering: false, coming: false, awaitsClient: false, paused: false },
  )
})

test('begun_it is the client\u2019s turn', () => {
  const { upload, told } = begin()
  assert.deepEqual([upload.coming, upload.awaitsClient, told], [true, true, []])
})

test('one piece_a buffer of its own, ready with it, replayable', () => {
  const { res, upload, told } = begin()
  res.sendBody('hello', true)
  assert.deepEqual(told, ['ready'])
  // The binding has taken its memory back by now.
  assert.deepEqual(upload.body, Buffer.from('hello'))
  assert.deepEqual([upload.coming, upload.replayable, upload.delivering], [false, true, false])
})

test('an empty first piece_says nothing yet', () => {
  const { res, upload, told } = begin()
  res.sendBody('', false)
  assert.deepEqual([told, upload.coming], [[], true])
  res.sendBody('hello', true)
  assert.deepEqual(upload.body, Buffer.from('hello'))
})

test('empty after all_ready, and no body', () => {
  const { res, upload, told } = begin()
  res.sendBody('', true)
  assert.deepEqual([told, upload.body, upload.coming], [['ready'], null, false])
})

test('several pieces_a stream, ready with the first, moved with each of the others', () => {
  const { res, upload, told } = begin()
  res.sendBody('hel', false)
  assert.deepEqual(told, ['ready'])
  assert.deepEqual([upload.replayable, upload.delivering], [false, true])
  const seen = consume(upload.body)
  res.sendBody('lo', true)
  assert.deepEqual(seen, ['hel', 'lo', 'end'])
  assert.deepEqual(new Set(told), new Set(['ready', 'moved']))
  assert.deepEqual([upload.coming, upload.delivering], [false, false])
})

test('endpoint takes no more_paused, and not the client\u2019s turn', () => {
  const { res, upload } = begin()
  res.sendBody('hello', false)
  assert.deepEqual([upload.paused, upload.awaitsClient], [true, false])
  upload.rearm(res.native)
  assert.deepEqual(res.throttling, ['pause', 'pause'])
  consume(upload.body)
  assert.deepEqual([upload.paused, upload.awaitsClient], [false, true])
})

test('last piece delivered late_moved once more: the answer is next', () => {
  const { res, upload, told } = begin()
  res.sendBody('hel', false)
  res.sendBody('lo', true)
  told.length = 0
  consume(upload.body)
  assert.deepEqual(told, ['moved'])
})

test('let go before the first piece_never ready, and what comes is dropped', () => {
  const { res, upload, told } = begin()
  upload.detach(true)
  res.sendBody('hello', false)
  res.sendBody('', true)
  assert.deepEqual(told, [])
  assert.deepEqual([upload.coming, upload.body], [false, null])
  assert.deepEqual(res.misuse, [])
})

test('let go while paused_the client can be read again, the rest is dropped', () => {
  const { res, upload } = begin()
  res.sendBody('hello', false)
  upload.detach(true)
  assert.equal(res.throttling.at(-1), 'resume')
  const seen = consume(upload.body)
  res.sendBody('world', true)
  assert.deepEqual(seen, [])
  assert.deepEqual(res.misuse, [])
})

test('client gone_nothing more comes, and its socket is not touched', () => {
  const { res, upload } = begin()
  res.sendBody('hello', false)
  const throttling = [...res.throttling]
  res.leave()
  upload.gone()
  assert.equal(upload.coming, false)
  assert.deepEqual(res.throttling, throttling)
  assert.deepEqual(res.misuse, [])
})

test('more than may be held_overrun, in place of moved', () => {
  const { res, upload, told } = begin()
  const piece = Buffer.alloc(8 * 1_024 * 1_024)
  for (let count = 0; count < 5; count++) res.sendBody(piece, false)
  assert.equal(told.at(-1), 'overrun')
  assert.equal(told.filter((each) => each === 'overrun').length, 1)
  assert.equal(upload.paused, true)
})

test('let go after an overrun_what still comes is dropped in silence', () => {
  const { res, upload, told } = begin()
  const piece = Buffer.alloc(8 * 1_024 * 1_024)
  for (let count = 0; count < 5; count++) res.sendBody(piece, false)
  upload.detach(true)
  told.length = 0
  res.sendBody('more', false)
  assert.ok(!told.includes('overrun'), 'the exchange is over: it cannot end a second time')
})

test('let go before it passes its limit_what still comes is dropped in silence', () => {
  const { res, upload, told } = begin(5)
  res.sendBody('four', false)
  upload.detach(true)
  told.length = 0
  res.sendBody('more', false)
  res.sendBody('and the last', true)
  assert.deepEqual(
    told.filter((each) => each === 'overrun'),
    [],
    'the exchange is over: it cannot be refused',
  )
  assert.equal(upload.coming, false)
})

test('reset_as new, for another request', () => {
  const { res, upload, told } = begin()
  res.sendBody('hello', false)
  res.sendBody('world', true)
  upload.reset()
  told.length = 0
  const next = new FakeResponse()
  upload.begin(next.native, () => told.push('ready'))
  next.sendBody('second', true)
  assert.deepEqual(upload.body, Buffer.from('second'))
  assert.deepEqual(told, ['ready'])
})

test('stream that nobody has taken of_renewed whole, and the old one is dead', () => {
  const { res, upload, told } = begin()
  res.sendBody('hel', false)
  const first = upload.body as RequestBody
  assert.equal(upload.untouched, true)
  upload.renew()
  assert.notEqual(upload.body, first)
  assert.deepEqual([upload.untouched, upload.paused, upload.replayable], [true, true, false])
  const old = consume(first)
  first.destroy()
  res.sendBody('lo', false)
  const seen = consume(upload.body)
  res.sendBody('!', true)
  assert.deepEqual([old, seen], [[], ['hel', 'lo', '!', 'end']])
  assert.equal(upload.untouched, false)
  assert.ok(told.includes('moved'))
})

test('stream that something was taken of_stays as it is', () => {
  const { res, upload } = begin()
  res.sendBody('hel', false)
  const first = upload.body
  consume(first)
  upload.renew()
  assert.equal(upload.body, first)
  assert.equal(upload.untouched, false)
})

test('stream that was given up_is not taken for an untouched one', () => {
  const { res, upload } = begin()
  res.sendBody('hel', false)
  ;(upload.body as RequestBody).destroy()
  assert.equal(upload.untouched, false)
})

test('no body, and a whole one_untouched, and renewing changes nothing', () => {
  const { res, upload } = begin()
  assert.equal(upload.untouched, true)
  res.sendBody('hello', true)
  const body = upload.body
  upload.renew()
  assert.equal(upload.body, body)
  assert.equal(upload.untouched, true)
})

test('let go of_what still comes is counted, and moves nothing', () => {
  const res = new FakeResponse()
  const told: string[] = []
  const upload = new Upload(
    () => told.push('moved'),
    () => told.push('refused'),
  )
  upload.begin(res.native, () => told.push('ready'), 3)
  res.sendBody('a', false)
  upload.detach(true)
  res.sendBody('bcd', false)
  assert.deepEqual(told, ['ready'])
  assert.equal(upload.bytes, 4)
})

test('one piece, written twice_its memory is used again when both writes are done and the upload is over', () => {
  const { res, upload } = begin()
  res.sendBody('x'.repeat(5_000), true)
  const piece = upload.body as Buffer
  assert.equal(upload.body, piece)
  const other = () => copyPiece(new ArrayBuffer(5_000)).buffer
  handOver(piece)
  handOver(piece)
  taken(piece)
  upload.reset()
  assert.notEqual(other(), piece.buffer)
  taken(piece)
  assert.equal(other(), piece.buffer)
})

test('a long piece of a stream_cut, in order, and what was taken is used again at once', () => {
  const { res, upload } = begin()
  res.sendBody('first', false)
  const body = upload.body as RequestBody
  const sizes: number[] = []
  const memory = new Set<ArrayBufferLike>()
  let text = ''
  body.on('data', (chunk: Buffer) => {
    sizes.push(chunk.length)
    text += chunk.latin1Slice()
    if (chunk.length === streamPieceBytes) memory.add(chunk.buffer)
    taken(chunk)
  })
  body.resume()
  const long = Array.from({ length: 400_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
  res.sendBody(long, true)
  assert.deepEqual(sizes, [
    5,
    streamPieceBytes,
    streamPieceBytes,
    streamPieceBytes,
    400_000 - 3 * streamPieceBytes,
  ])
  assert.equal(text, `first${long}`)
  assert.equal(memory.size, 1)
})

test('wanted whole, and comes in pieces_ready with the last one, in memory of its own length', (t) => {
  const allocate = t.mock.method(Buffer, 'allocUnsafeSlow')
  const { res, upload, told } = begin(0, 65_536)
  const pieces = Array.from({ length: 16 }, (_, index) => Buffer.alloc(4_096, index + 1))
  for (const [index, piece] of pieces.entries()) {
    assert.ok(!told.includes('ready'))
    res.sendBody(piece, index === 15)
  }
  assert.equal(told.at(-1), 'ready')
  assert.equal(told.filter((each) => each === 'moved').length, 15)
  assert.ok((upload.body as Buffer).equals(Buffer.concat(pieces)))
  assert.deepEqual([upload.replayable, upload.length, upload.coming], [true, 65_536, false])
  const taken = allocate.mock.calls.map(({ arguments: [size] }) => size)
  assert.deepEqual(taken, [65_536])
})

test('wanted whole and long_never in more than twice the memory of what has come, and whole in the end', (t) => {
  const allocate = t.mock.method(Buffer, 'allocUnsafeSlow')
  const { res, upload } = begin(0, 1_000_000)
  const pieces = [1, 65_535, 1, 300_000, 634_463].map((length, index) => Buffer.alloc(length, index + 1))
  for (const [index, piece] of pieces.entries()) res.sendBody(piece, index === 4)
  const taken = allocate.mock.calls.map(({ arguments: [size] }) => size)
  assert.deepEqual(taken, [65_536, 131_074, 731_074, 1_000_000])
  assert.ok((upload.body as Buffer).equals(Buffer.concat(pieces)))
})

test('wanted whole, and comes in one piece_that piece', () => {
  const { res, upload, told } = begin(0, 5)
  res.sendBody('hello', true)
  assert.deepEqual([told, upload.body], [['ready'], Buffer.from('hello')])
})

test('wanted whole, and let go half-way_never ready, and nothing is kept', () => {
  const { res, upload, told } = begin(0, 10)
  res.sendBody('hello', false)
  upload.detach(true)
  res.sendBody('world', true)
  assert.deepEqual([told, upload.body, upload.coming], [['moved'], null, false])
})
