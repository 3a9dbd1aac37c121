import type { BundleIndex } from './format.ts'

/** What stands in a bundle for people who open it. */
export function bundleReadme({ federation, records, versions, client }: BundleIndex): string {
  const shown =
    client === undefined ? '' : ` Records of others than ${client} are redacted, but for those that the checks need.`
  return `# Evidence of the coordinator ${federation}

${versions.length} versions and an audit log of ${records} records.${shown}

Check it with \`parley audit verify BUNDLE --key KEY\`, where BUNDLE is the tar file or the folder that it was unpacked into. Take the
public audit key from somewhere else than here: from the coordinator’s operator, or from \`GET /v1/audit/key\`.

| path | what is in it | held by |
| --- | --- | --- |
| \`bundle.json\` | what the bundle says of itself | the list of versions by the record \`evidence.export\`; the rest by nothing |
| \`audit/\` | the log with its checkpoints | the audit key |
| \`models/NAME/versions/N/\` | a version: signed manifest, weights, plan, evaluation, card, provenance, gates | the coordinator’s key, and its release key |
| \`models/NAME/aliases.jsonl\` | all moves of the model’s aliases | the coordinator’s key |
| \`models/NAME/approvals.jsonl\` | approvals of versions in the bundle | the keys of who approved, which are not checked |
| \`models/NAME/states.json\`, \`runs/RUN.json\`, \`participants.json\` | states of versions; rounds, cohorts, verdicts; ids and keys of clients | nothing: the coordinator says so |
`
}
