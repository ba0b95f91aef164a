/**
 * Stacks as an SVG, the whole at the bottom and callees above: one picture with the kernel, native code and JavaScript
 * in it, coloured by layer. No script in it, since GitHub shows none.
 */
import { type Frame, type Layer, layerOf, layers, shares } from './layers.ts'
import type { StackCounts } from './perf-script.ts'

interface Node {
  readonly name: string
  readonly children: Map<string, Node>
  /** Of all samples in it, by layer: it has the colour of most of them. */
  readonly byLayer: Map<Layer, number>
  count: number
}

const width = 1200
const margin = 10
const rowHeight = 16
/** Narrower ones would be no more than a line each, and ten times as many. */
const leastWidth = 1.5
/** Deeper ones are folded into what is below them. */
const rowsMax = 48
const characterWidth = 6.1

/** Told apart on a light ground, warm what is Weir's own, grey what nobody here can change. */
const colours: Readonly<Record<Layer, string>> = {
  'kernel: clients': '#b7c0ca',
  'kernel: endpoints': '#9aa6b3',
  'kernel: other': '#d3d9df',
  'uWebSockets.js': '#8fd0e8',
  'listener and exchange': '#f7b267',
  'client limits': '#f5cf9d',
  'request headers': '#f79d3c',
  'response headers': '#e5812b',
  bodies: '#e9b08a',
  'attempts and upstreams': '#ffd08a',
  'endpoint connections': '#d2965a',
  WebSockets: '#fbe3c4',
  router: '#f4845f',
  'admission queue': '#f25c54',
  balancer: '#c1666b',
  undici: '#a9d88d',
  logging: '#e2c044',
  'garbage collection': '#c9a0dc',
  'control plane': '#c9b8a4',
  'Node, V8 and libuv': '#dfe3c9',
}

export interface Picture {
  readonly title: string
  readonly subtitle: string
}

export function drawFlameGraph(stacks: StackCounts, { title, subtitle }: Picture): string {
  const root = treeOf(stacks)
  const scale = (width - 2 * margin) / Math.max(1, root.count)
  const boxes: string[] = []
  let depth = 0
  const draw = (node: Node, x: number, row: number): void => {
    const wide = node.count * scale
    if (wide < leastWidth || row > rowsMax) return
    depth = Math.max(depth, row)
    boxes.push(box(node, x, row, wide, node.count / root.count))
    let at = x
    for (const child of [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      draw(child, at, row + 1)
      at += child.count * scale
    }
  }
  draw(root, margin, 0)
  const legend = legendOf(stacks)
  const top = 46 + Math.ceil(legend.length / 4) * 18
  const height = top + (depth + 1) * rowHeight + margin
  // Rows count from the bottom.
  const body = `<g transform="translate(0 ${height - margin})">\n${boxes.join('\n')}\n</g>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="10">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${margin}" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    `<text x="${margin}" y="36" fill="#555">${escaped(subtitle)}</text>`,
    ...legend.map(
      ({ layer, percent }, index) =>
        `<g transform="translate(${margin + (index % 4) * 295} ${46 + Math.floor(index / 4) * 18})"><rect width="12" height="12" fill="${colours[layer]}"/><text x="18" y="10">${layer} ${percent} %</text></g>`,
    ),
    body,
    '</svg>\n',
  ].join('\n')
}

function legendOf(stacks: StackCounts) {
  const counts = Object.fromEntries(layers.map((layer) => [layer, 0])) as Record<Layer, number>
  for (const [stack, count] of stacks) counts[layerOf(stack)] += count
  const parts = shares(counts)
  return layers
    .filter((layer) => parts[layer] >= 0.0005)
    .map((layer) => ({ layer, percent: (parts[layer] * 100).toFixed(1) }))
}

function treeOf(stacks: StackCounts): Node {
  const root = newNode('all')
  for (const [stack, count] of stacks) {
    const layer = layerOf(stack)
    let node = root
    weigh(node, layer, count)
    for (const frame of stack.toReversed()) {
      const name = shorten(frame)
      let child = node.children.get(name)
      if (child === undefined) {
        child = newNode(name)
        node.children.set(name, child)
      }
      node = child
      weigh(node, layer, count)
    }
  }
  return root
}

function newNode(name: string): Node {
  return { name, children: new Map(), byLayer: new Map(), count: 0 }
}

function weigh(node: Node, layer: Layer, count: number): void {
  node.count += count
  node.byLayer.set(layer, (node.byLayer.get(layer) ?? 0) + count)
}

/** What fits into a box: no arguments, no templates, and of a path the part that tells. */
function shorten({ kind, name }: Frame): string {
  if (kind !== 'js') return name.replace(/\(.*$/, '').replace(/<.*$/, '')
  return name
    .replace(/:\d+:\d+$/, '')
    .replace(/(file:\/\/)?\/\S*\/node_modules\//, '')
    .replace(/(file:\/\/)?\/\S*\/((src|dist)\/)/, '$2')
}

function box(node: Node, x: number, row: number, wide: number, share: number): string {
  const y = -(row + 1) * rowHeight
  const [layer] = [...node.byLayer].sort((a, b) => b[1] - a[1])[0] ?? ['Node, V8 and libuv']
  const characters = Math.floor((wide - 4) / characterWidth)
  const name = node.name.length > characters ? `${node.name.slice(0, characters - 1)}…` : node.name
  const text =
    characters < 4 ? '' : `<text x="${fixed(x + 2)}" y="${y + rowHeight - 5}">${escaped(name)}</text>`
  const tip = wide < 8 ? '' : `<title>${escaped(node.name)} ${(share * 100).toFixed(1)} %</title>`
  return `<g><rect x="${fixed(x)}" y="${y}" width="${fixed(Math.max(0.5, wide - 0.5))}" height="${rowHeight - 1}" fill="${colours[layer as Layer]}">${tip}</rect>${text}</g>`
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
