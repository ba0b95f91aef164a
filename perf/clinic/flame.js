/**
 * `node perf/clinic/flame.js FOLDER node ARGUMENT...`: runs a program under clinic flame, and when it has ended (SIGINT ends
 * it) draws what was sampled. Prints the paths of the samples and of the drawing, a line each.
 *
 * The library below `clinic flame`, and not its command line: that one asks whether it may report usage, and on Node 22
 * ends silently where there is no terminal to ask on.
 */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import ClinicFlame from '@clinic/flame'

const [folder, ...command] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
// V8's log is written to the working directory, megabytes of it.
process.chdir(folder)
const flame = new ClinicFlame({ dest: '.' })
const data = resolve(await promisify(flame.collect.bind(flame))(command))
const html = `${data}.html`
await promisify(flame.visualize.bind(flame))(data, html)
console.log(`\nclinic-samples: ${data}`)
console.log(`clinic-html: ${html}`)
