export { instantiateTraining, MULTIPLY_DEPTH, multiplyMode, type TrainingKernels } from './exports.ts'
export { trainingModule } from './load.ts'
