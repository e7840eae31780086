/**
 * The bounded results of all queries over the first 10,000 events of profile X at 100 events a
 * second, as an independent batch computation gives them: rows as compact JSON, sorted by code
 * unit, each with a newline; their number and SHA-256. q12 is its sums, as its windows follow the
 * wall clock.
 */
export const golden: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>> =
  {
    q0: {
      rows: 9200,
      sha256: '42b56baaf05fb2ed6645cce539ee8c110d9887162278477fca918e40032deb47',
    },
    q1: {
      rows: 9200,
      sha256: '3eb90e5c3c40783286fb4b3472adfecfc209dada05b92afa580438f3fe056273',
    },
    q2: {
      rows: 22,
      sha256: '0fae420badf52a4cc6e9282ebab4845c22da705a1db572a99079784873c50a12',
    },
    q3: {
      rows: 17,
      sha256: '13992ff29a555681bec3ec4e8008230ef495b6a1e4e9b5258c00112655d62d18',
    },
    q4: {
      rows: 5,
      sha256: 'e315bde51758c07789e1ddd5542c75dedbf8d9ffba3951d50a5592785155412a',
    },
    q5: {
      rows: 60,
      sha256: '25ce71b83d4276ab346e6955f6178dd5bf077876643ecfe1e7f135f55396a548',
    },
    q6: {
      rows: 327,
      sha256: '0f4596ad22ed937630910f619d0cfa8c78e39de44ed44ae7ac259207756f65a6',
    },
    q7: {
      rows: 10,
      sha256: 'ea747f58649ec6f3f42501c935bede1353c412d996c050fd906abdc8193ae336',
    },
    q8: {
      rows: 25,
      sha256: 'f3b17417516b9eb71c6841f19d0780ff78c56f341f57a7df19d2aaca23ee22ca',
    },
    q9: {
      rows: 327,
      sha256: '873d11069b55cc0804a610d4731cb81e94491e9a8b3c7dcd6e8fc50a3353365e',
    },
    q10: {
      rows: 9200,
      sha256: 'c7177c7da275143ce73da4a297f0c0f593045dca05e966fc89e315dca1a57ac6',
    },
    q11: {
      rows: 413,
      sha256: '6c9e3d832aa222c6237a045a6b2d9ea5dfa0930cd73268682781bbf6c0602ff4',
    },
    q12: {
      rows: 196,
      sha256: '5f4f7d29d474377285fd9d8e38d51200e75ccb8741893b27cabe38d4abeb047f',
    },
    q13: {
      rows: 9200,
      sha256: '29198e057fdb7de0e09be42c60fef1f68bd69a358e8832f860bfc6cc645941f8',
    },
    q14: {
      rows: 2623,
      sha256: '878adde190e6c83ff1c0529a9ab4baf0314cf2f405e607c00ebe3b007a19aa2f',
    },
    q15: {
      rows: 1,
      sha256: '5eba371b477826d9d974857faab9fdac8a2bea648581458b8d90a8ef8e05e870',
    },
    q16: {
      rows: 3840,
      sha256: '2ff8f01e0bc3eb5f3941327ef977180bd001e315b7c0986f98b189048d014c08',
    },
    q17: {
      rows: 378,
      sha256: '841386c54fc3278c2a1813bda85eb61e34b6bb871ff61047e2bc0e7ebd55ec14',
    },
    q18: {
      rows: 1789,
      sha256: '7492e3aec8454be10696d8a66b6c86772fa8ec37c7845597c22422f975e06c2d',
    },
    q19: {
      rows: 3002,
      sha256: 'f5f847376a44032d0dd5a4a95e85f6b24506f056ea4fd9733dbeab9a6aa78862',
    },
    q20: {
      rows: 714,
      sha256: '73a7d53297a33a36be9ef08cb668d76f7848dc649feb9e352557ccdc195c13a3',
    },
    q21: {
      rows: 8750,
      sha256: '57c6de6c3d34c1c1e72c7320db04959e595effc0f47a171405c6dee13391c3f6',
    },
    q22: {
      rows: 9200,
      sha256: 'cd2822e0131c2527bbff22a34a9a677ff695240df4d8ec49c88daabb511ec9c8',
    },
  }
