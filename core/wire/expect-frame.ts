import { type ErrorCode, ParleyError } from '../errors/index.ts'
import type { Frame, FrameOf } from './frame.ts'
import type { Link } from './link.ts'

/**
 * The next frame, which must be of this type: for the handshake, where nothing else may come. Throws `otherwise` for
 * another one, `session.closed` when the peer goes, and `frame.too-large` above `maxBytes`.
 */
export async function expectFrame<T extends Frame['type']>(
  link: Link,
  type: T,
  maxBytes: number,
  otherwise: ErrorCode,
): Promise<FrameOf<T>> {
  const frame = await link.read(maxBytes)
  if (frame === undefined) throw new ParleyError('session.closed', 'the peer went away during the handshake')
  if (!isType(frame, type)) throw new ParleyError(otherwise, `a ${frame.type} came instead of a ${type}`)
  return frame
}

function isType<T extends Frame['type']>(frame: Frame, type: T): frame is FrameOf<T> {
  return frame.type === type
}
