/**
 * The monotonic clock for what lasts seconds and is asked for at each request: it moves every tenth of a second, while anybody
 * asks. Reading the real one takes a twentieth of a microsecond each time.
 */
const stepMs = 100

let now = 0
let asked = false
let timer: NodeJS.Timeout | null = null

function step(): void {
  now = performance.now()
  if (!asked) {
    clearInterval(timer as NodeJS.Timeout)
    timer = null
  }
  asked = false
}

/** Milliseconds, up to 100 late and as late as the event loop is. */
export function coarseNow(): number {
  if (timer === null) {
    now = performance.now()
    timer = setInterval(step, stepMs).unref()
  }
  asked = true
  return now
}
