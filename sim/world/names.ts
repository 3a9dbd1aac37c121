/** The id of a virtual client: its number, with as many digits as the last one has. The last clients are the attackers. */
export function clientName(index: number, clients: number): string {
  return `client-${String(index).padStart(String(clients - 1).length, '0')}`
}
