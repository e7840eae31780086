/**
 * The head of a record batch, version 2 [KIP-98]. Big-endian:
 *   0 i64 base offset    8 i32 bytes after this field   12 i32 leader epoch    16 i8 magic (2)
 *   17 u32 CRC-32C of bytes 21..end    21 i16 attributes    23 i32 last offset delta
 *   27 i64 base timestamp    35 i64 largest timestamp    43 i64 producer id    51 i16 epoch
 *   53 i32 base sequence    57 i32 records
 * Then the records, compressed as a whole. Attributes: bits 0–2 compression, 3 append time,
 * 4 transactional, 5 control.
 */
export const headBytes = 61
/** Of a batch's fields these come before what its length counts. */
export const lengthEnd = 12
export const crcAt = 17
export const crcFrom = 21
export const compressionMask = 7
export const appendTimeBit = 8
export const transactionalBit = 16
export const controlBit = 32
export const magic = 2
