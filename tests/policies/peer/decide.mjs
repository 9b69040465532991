// Decides requests with the peer: one JSON simulation a line on standard input, one result a line on standard output.
//
// What runs without validation takes any condition key, but neither session nor resource-based policies; those go through
// the other door.

import { createInterface } from 'node:readline'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const simulation = JSON.parse(line)
  let answer
  try {
    if (simulation.sessionPolicy || simulation.resourcePolicy) {
      const run = await runSimulation(simulation, { simulationMode: 'Strict' })
      answer = run.resultType === 'single' ? run.result.analysis.result : { error: run.errors ?? run.resultType }
    } else {
      answer = runUnsafeSimulation(simulation, {})
    }
  } catch (error) {
    answer = { error: String(error) }
  }
  console.log(JSON.stringify(answer))
}
