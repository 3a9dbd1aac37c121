// Original file: proto/parley/v1/session.proto


export interface Heartbeat {
}

export interface Heartbeat__Output {
}
