/** What the report supposes of the load and the processors, each as variants of one subject that differ in one thing. */
import type { Claim, Experiment } from './experiment.ts'
import { each, isolated, isolatedLoad, ratio } from './variants.ts'

export const loads: readonly Experiment[] = [
  {
    name: 'connections',
    title: '500 connections against 200',
    report:
      'Section 2.2 takes 243 write errors for overload with 500 connections; section 4.4 asks whether they disappear with 200.',
    here: 'The isolated test with both.',
    pinned: true,
    variants: each(
      ['weir', 'go'],
      [
        ['500', isolated('connections 500'), ''],
        ['200', isolated('connections 200', { load: { ...isolatedLoad, connections: 200 } }), ''],
      ],
    ),
    claims: ['weir', 'go'].flatMap((name): readonly Claim[] => [
      {
        kind: 'errors',
        says: `With 200 connections the write errors of ${name} disappear`,
        error: 'write',
        of: `${name} 500`,
        without: `${name} 200`,
      },
      ratio(`${name} with 200 connections beside 500, rate`, [`${name} 200`, `${name} 500`], 'rate', null),
    ]),
  },
  {
    name: 'threads',
    title: '4 threads of wrk against 8',
    report: 'Section 4.3 recommends more threads in wrk, for example 8.',
    here: 'The isolated test with both. The threads are the load generator’s, and share the cores that it has.',
    pinned: true,
    variants: each(
      ['weir', 'go'],
      [
        ['4', isolated('threads 4'), ''],
        ['8', isolated('threads 8', { load: { ...isolatedLoad, threads: 8 } }), ''],
      ],
    ),
    claims: ['weir', 'go'].map((name) =>
      ratio(
        `With 8 threads of wrk the rate of ${name} is higher`,
        [`${name} 8`, `${name} 4`],
        'rate',
        'higher',
      ),
    ),
  },
  {
    name: 'processors',
    title: 'One processor against two',
    report: 'Section 4.3 recommends to tune GOMAXPROCS.',
    here: 'The isolated test with `GOMAXPROCS` of 1 and 2, and one and two workers of Weir. Nothing is pinned.',
    pinned: false,
    variants: each(
      ['weir', 'go'],
      [
        ['1', isolated('processors 1'), ''],
        ['2', isolated('processors 2', { workers: 2 }), ''],
      ],
    ),
    claims: ['weir', 'go'].map((name) =>
      ratio(
        `With two processors the rate of ${name} is higher`,
        [`${name} 2`, `${name} 1`],
        'rate',
        'higher',
      ),
    ),
  },
]
