// Original file: proto/parley/v1/session.proto

import type { Hello as _parley_v1_Hello, Hello__Output as _parley_v1_Hello__Output } from '../../parley/v1/Hello.ts';
import type { Challenge as _parley_v1_Challenge, Challenge__Output as _parley_v1_Challenge__Output } from '../../parley/v1/Challenge.ts';
import type { Authenticate as _parley_v1_Authenticate, Authenticate__Output as _parley_v1_Authenticate__Output } from '../../parley/v1/Authenticate.ts';
import type { Welcome as _parley_v1_Welcome, Welcome__Output as _parley_v1_Welcome__Output } from '../../parley/v1/Welcome.ts';
import type { Heartbeat as _parley_v1_Heartbeat, Heartbeat__Output as _parley_v1_Heartbeat__Output } from '../../parley/v1/Heartbeat.ts';
import type { Close as _parley_v1_Close, Close__Output as _parley_v1_Close__Output } from '../../parley/v1/Close.ts';
import type { Task as _parley_v1_Task, Task__Output as _parley_v1_Task__Output } from '../../parley/v1/Task.ts';
import type { Decline as _parley_v1_Decline, Decline__Output as _parley_v1_Decline__Output } from '../../parley/v1/Decline.ts';
import type { BlobRequest as _parley_v1_BlobRequest, BlobRequest__Output as _parley_v1_BlobRequest__Output } from '../../parley/v1/BlobRequest.ts';
import type { BlobChunk as _parley_v1_BlobChunk, BlobChunk__Output as _parley_v1_BlobChunk__Output } from '../../parley/v1/BlobChunk.ts';
import type { BlobAbsent as _parley_v1_BlobAbsent, BlobAbsent__Output as _parley_v1_BlobAbsent__Output } from '../../parley/v1/BlobAbsent.ts';
import type { UploadOpen as _parley_v1_UploadOpen, UploadOpen__Output as _parley_v1_UploadOpen__Output } from '../../parley/v1/UploadOpen.ts';
import type { UploadReady as _parley_v1_UploadReady, UploadReady__Output as _parley_v1_UploadReady__Output } from '../../parley/v1/UploadReady.ts';
import type { UploadChunk as _parley_v1_UploadChunk, UploadChunk__Output as _parley_v1_UploadChunk__Output } from '../../parley/v1/UploadChunk.ts';
import type { Receipt as _parley_v1_Receipt, Receipt__Output as _parley_v1_Receipt__Output } from '../../parley/v1/Receipt.ts';
import type { Evaluation as _parley_v1_Evaluation, Evaluation__Output as _parley_v1_Evaluation__Output } from '../../parley/v1/Evaluation.ts';
import type { MaskingStep as _parley_v1_MaskingStep, MaskingStep__Output as _parley_v1_MaskingStep__Output } from '../../parley/v1/MaskingStep.ts';
import type { MaskingAnswer as _parley_v1_MaskingAnswer, MaskingAnswer__Output as _parley_v1_MaskingAnswer__Output } from '../../parley/v1/MaskingAnswer.ts';

export interface Frame {
  /**
   * Handshake, in this order; nothing else is read before it is over.
   */
  'hello'?: (_parley_v1_Hello | null);
  'challenge'?: (_parley_v1_Challenge | null);
  'authenticate'?: (_parley_v1_Authenticate | null);
  'welcome'?: (_parley_v1_Welcome | null);
  /**
   * Any time after the handshake, from either side.
   */
  'heartbeat'?: (_parley_v1_Heartbeat | null);
  'close'?: (_parley_v1_Close | null);
  /**
   * Coordinator to client: work. Client to coordinator: a refusal of it.
   */
  'task'?: (_parley_v1_Task | null);
  'decline'?: (_parley_v1_Decline | null);
  /**
   * Downloads, pulled by the client.
   */
  'blobRequest'?: (_parley_v1_BlobRequest | null);
  'blobChunk'?: (_parley_v1_BlobChunk | null);
  'blobAbsent'?: (_parley_v1_BlobAbsent | null);
  /**
   * Uploads, pushed by the client from the offset that the coordinator names.
   */
  'uploadOpen'?: (_parley_v1_UploadOpen | null);
  'uploadReady'?: (_parley_v1_UploadReady | null);
  'uploadChunk'?: (_parley_v1_UploadChunk | null);
  'receipt'?: (_parley_v1_Receipt | null);
  /**
   * The client's answer to an evaluation task.
   */
  'evaluation'?: (_parley_v1_Evaluation | null);
  /**
   * Mode masked: the steps of secure aggregation beside the upload.
   */
  'maskingStep'?: (_parley_v1_MaskingStep | null);
  'maskingAnswer'?: (_parley_v1_MaskingAnswer | null);
  'body'?: "hello"|"challenge"|"authenticate"|"welcome"|"heartbeat"|"close"|"task"|"decline"|"blobRequest"|"blobChunk"|"blobAbsent"|"uploadOpen"|"uploadReady"|"uploadChunk"|"receipt"|"evaluation"|"maskingStep"|"maskingAnswer";
}

export interface Frame__Output {
  /**
   * Handshake, in this order; nothing else is read before it is over.
   */
  'hello'?: (_parley_v1_Hello__Output | null);
  'challenge'?: (_parley_v1_Challenge__Output | null);
  'authenticate'?: (_parley_v1_Authenticate__Output | null);
  'welcome'?: (_parley_v1_Welcome__Output | null);
  /**
   * Any time after the handshake, from either side.
   */
  'heartbeat'?: (_parley_v1_Heartbeat__Output | null);
  'close'?: (_parley_v1_Close__Output | null);
  /**
   * Coordinator to client: work. Client to coordinator: a refusal of it.
   */
  'task'?: (_parley_v1_Task__Output | null);
  'decline'?: (_parley_v1_Decline__Output | null);
  /**
   * Downloads, pulled by the client.
   */
  'blobRequest'?: (_parley_v1_BlobRequest__Output | null);
  'blobChunk'?: (_parley_v1_BlobChunk__Output | null);
  'blobAbsent'?: (_parley_v1_BlobAbsent__Output | null);
  /**
   * Uploads, pushed by the client from the offset that the coordinator names.
   */
  'uploadOpen'?: (_parley_v1_UploadOpen__Output | null);
  'uploadReady'?: (_parley_v1_UploadReady__Output | null);
  'uploadChunk'?: (_parley_v1_UploadChunk__Output | null);
  'receipt'?: (_parley_v1_Receipt__Output | null);
  /**
   * The client's answer to an evaluation task.
   */
  'evaluation'?: (_parley_v1_Evaluation__Output | null);
  /**
   * Mode masked: the steps of secure aggregation beside the upload.
   */
  'maskingStep'?: (_parley_v1_MaskingStep__Output | null);
  'maskingAnswer'?: (_parley_v1_MaskingAnswer__Output | null);
  'body'?: "hello"|"challenge"|"authenticate"|"welcome"|"heartbeat"|"close"|"task"|"decline"|"blobRequest"|"blobChunk"|"blobAbsent"|"uploadOpen"|"uploadReady"|"uploadChunk"|"receipt"|"evaluation"|"maskingStep"|"maskingAnswer";
}
