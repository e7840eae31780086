/**
 * The layout of a batch of records as one block of bytes: how logs store records and the engine
 * reads them. Columns of fixed width first, then all keys, all values, all headers, so that a
 * reader touches only what it needs and decodes nothing twice.
 *
 * Little-endian:
 *   0  u8  format version (1)      1  u8 flags (1 keys, 2 headers, 4 offset deltas)   2  u16 zero
 *   4  u32 CRC-32 of bytes 8..end  8  u32 record count
 *   12 u32 bytes of all keys       16 u32 bytes of all values   20 u32 bytes of all headers
 *   24 f64 largest record time, ms
 *   32 f64 time of each record, ms since 1970
 *      u32 offset − base offset of each record (flag 4; else record i has offset base + i)
 *      u32 end of each key within the keys, top bit set for a null key (flag 1; else all keys are
 *      null)
 *      u32 end of each value within the values, top bit set for a null value
 *      u32 end of each record's headers within the headers (flag 2; else no headers)
 *      keys · values · headers
 * The base offset is not inside: the log gives it at the append. Kafka's record batch v2 served as
 * the model (KIP-98); the columns differ.
 */
export const formatVersion = 1
export const hasKeys = 1
export const hasHeaders = 2
export const hasDeltas = 4
export const headBytes = 32
export const nullBit = 0x8000_0000
export const endMask = 0x7fff_ffff
/** Ends are 31 bits; stay clear of them. */
export const batchBytesMax = 1 << 30
