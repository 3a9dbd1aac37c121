import type { Page } from 'playwright-core'
import { stepAt, totpCode } from '../../server/members/totp.ts'

/** The code that a program would make of the secret that the page shows. */
export async function codeOf(page: Page): Promise<string> {
  const text = (await page.locator('[data-secret]').textContent()) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const letters = text.replaceAll(/\s/g, '')
  const bits = Array.from(letters, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const secret = Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
  return totpCode(secret, stepAt(Date.now()))
}
