/** A Vega-Lite specification on standard input, the SVG on standard output. */
import { text } from 'node:stream/consumers'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'

const { spec } = compile(JSON.parse(await text(process.stdin)))
process.stdout.write(await new View(parse(spec), { renderer: 'none' }).toSVG())
