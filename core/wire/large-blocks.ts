// glibc never keeps a freed block above its largest mmap threshold, 32 MiB; one just below raises the threshold most.
const BLOCK_BYTES = 31 * 1024 * 1024

/**
 * Makes a process keep the memory of freed blocks of up to 31 MiB for the next ones, instead of giving it back to the
 * system each time. A program that moves chunks of 1 MiB calls it once at its start.
 *
 * Fresh memory costs a page fault for every 4 KiB, which on a virtual machine is dearer than the encryption of the same
 * bytes. glibc learns from the first large block that it sees freed where to draw the line (mallopt(3), "dynamic mmap
 * threshold"), so one is allocated here, never touched, and left to the garbage collector. Other allocators take no harm.
 */
export function keepLargeBlocks(): void {
  new ArrayBuffer(BLOCK_BYTES)
}
