/** The facts of a complete model card. */
import type { CardInput } from '../../../core/attestation/model-card/input.ts'

const digest = (letter: string) => letter.repeat(64)

/** A card whose every text from outside is `words`, or what it usually is. */
export const card = (words?: string): CardInput => {
  const said = (usual: string) => words ?? usual
  const prose = (usual: string) => (words === undefined ? usual : [words])
  return {
    author: {
      summary: prose('Predicts heart disease.'),
      intendedUse: prose('Research.'),
      notIntended: prose('Diagnosis without a physician.'),
      dataDescription: prose('Four hospitals.'),
      dataPeriod: said('1981 to 1988'),
      limits: prose('Adults only.'),
      ethics: prose('Reviewed.'),
      contact: prose('The board.'),
      withdrawal: prose('None.'),
      changes: prose('The first version.'),
      license: { id: 'other', name: said('House license'), link: said('LICENSE') },
      language: [said('en')],
      tags: [said('cardiology')],
      datasets: [said('heart')],
      task: { type: said('tabular-classification'), name: said('Heart disease') },
    },
    model: said('heart-risk'),
    number: 7,
    weights: digest('a'),
    evaluation: digest('b'),
    run: said('run_1'),
    round: 20,
    baseModel: said('heart-risk/6'),
    verifyCommand: said('parley model verify heart-risk/7'),
    participants: { kind: said('hospitals'), pseudonyms: [said('site-1'), 'site-2'] },
    training: {
      plan: digest('c'),
      rounds: 20,
      rule: said('trimmed-mean'),
      mode: 'sealed',
      accepted: 38,
      rejected: [{ code: said('update.norm'), count: 2 }],
    },
    privacy: { epsilon: said('3.1'), delta: said('1e-5'), accountant: said('rdp'), unit: said('client') },
    robustness: { tolerated: 1, clients: 4, attacks: [{ name: said('sign-flip'), result: said('AUC 0.80') }] },
    gates: [
      {
        gate: said('auc-min'),
        metric: said('auc'),
        verdict: 'pass',
        value: 0.8123456,
        interval: [0.78, 0.84],
        n: 400,
        condition: said('at least 0.80'),
      },
      {
        gate: said('odd'),
        metric: 'loss',
        verdict: 'overridden',
        value: null,
        interval: null,
        n: 0,
        condition: said('x'),
      },
    ],
    sites: [
      { name: said('Site 1'), metric: said('auc'), value: 0.81, interval: [0.7, 0.9], n: 100 },
      { name: 'Site 2', metric: said('auc'), value: null, interval: null, n: 3 },
    ],
    subgroups: [{ name: said('sex: female'), metric: said('auc'), value: 0.79, interval: null, n: 60 }],
    deviations: [{ gate: said('odd'), reason: said('too few rows'), approvedBy: [said('member-1'), 'member-2'] }],
    learningCurve: {
      metric: said('auc'),
      points: [
        { round: 1, value: 0.6 },
        { round: 2, value: 0.8 },
      ],
      bound: 0.8,
    },
    scores: {
      positiveScores: Array.from({ length: 1024 }, (_, i) => (i % 7 === 0 ? 3 : 0)),
      negativeScores: Array.from({ length: 1024 }, (_, i) => (i % 5 === 0 && i < 600 ? 4 : 0)),
    },
  }
}
