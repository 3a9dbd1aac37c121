/** A policy to begin with, which allows nothing. */
export const policyTemplate = `# What this client may do. Everything that is not named here is not allowed; docs/client-policy.md has every field.
# After each change: parley client policy sign --key FILE
policy: 1

# Who may ask, by a name of your own, with the key that you got over another channel.
coordinators: {}
#  consortium: 0000000000000000000000000000000000000000000000000000000000000000

# What may be trained on. Paths are relative to this file.
data: {}
#  heart:
#    csv: patients.csv
#    rows: { train: 100, heldOut: 30 }

# For what. A plan that no study covers waits for a person: parley client review
studies: {}
#  heart-disease:
#    purpose: risk of heart disease, ethics vote 2026-117
#    coordinators: [consortium]
#    data: heart
#    hours: ["22:00-05:00 Europe/Zurich"]
#    perDay: { rounds: 50, bytes: 200MiB }
#    allow:
#      names: [heart-disease]
#      models: [logistic, mlp]
#      maxParameters: 100000
#      modes: [sealed]
#      counts: [clear]
#      rules: robust
#      maxRounds: 100
#      minCohort: 3
`
