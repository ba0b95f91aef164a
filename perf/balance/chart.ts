/** The p99 of each policy, healthy and with one of three endpoints ten times slower: bars on a logarithmic scale, as SVG. */
import type { Figures } from './figures.ts'

const size = { left: 130, bar: 11, row: 38, top: 46, perDecade: 100, width: 720 }

export function chart(rows: readonly Figures[], title: string): string {
  const length = (ms: number): number => Math.max(1, Math.log10(ms) * size.perDecade)
  const height = size.top + rows.length * size.row + 30
  const bar = (y: number, ms: number, colour: string): string =>
    `<rect x="${size.left}" y="${y}" width="${length(ms).toFixed(1)}" height="${size.bar}" fill="${colour}"/>` +
    `<text x="${(size.left + length(ms) + 4).toFixed(1)}" y="${y + size.bar - 1}">${label(ms)}</text>`
  const bars = rows.flatMap(({ policy, healthyP99, slowP99 }, index) => {
    const y = size.top + index * size.row
    return [
      `<text x="${size.left - 8}" y="${y + size.bar + 4}" text-anchor="end">${policy}</text>`,
      bar(y, healthyP99, '#7a9cc6'),
      bar(y + size.bar + 2, slowP99, '#c8553d'),
    ]
  })
  const ticks = [1, 10, 100, 1_000, 10_000, 100_000].map((ms) => {
    const x = size.left + Math.log10(ms) * size.perDecade
    return `<path d="M${x} ${size.top - 6}V${height - 24}" stroke="#ddd"/><text x="${x}" y="${height - 10}" text-anchor="middle">${label(ms)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="11"><title>${title}</title>`,
    `<rect width="100%" height="100%" fill="white"/><text x="8" y="16" font-size="13">${title}</text>`,
    '<text x="8" y="32" fill="#4b6c99">blue: all healthy</text><text x="120" y="32" fill="#c8553d">red: one ten times slower</text>',
    ...ticks,
    ...bars,
    '</svg>',
    '',
  ].join('\n')
}

function label(ms: number): string {
  return ms >= 1_000 ? `${Number((ms / 1_000).toFixed(1))} s` : `${Number(ms.toFixed(0))} ms`
}
