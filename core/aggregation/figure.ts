/** A number for people: three significant digits, `0.314`, `310`, `1e+30`, `−2`. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3))).replaceAll('-', '−')
}
