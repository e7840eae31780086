import assert from 'node:assert/strict'
import { test } from 'vitest'
import { scram } from './scram.ts'

// The example of RFC 7677 §3.
const nonce = 'rOprNGfwEbeRWgbNEkqO'
const serverFirst =
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'

function talk(): ReturnType<typeof scram> {
  return scram({ hash: 'sha256', username: 'user', password: 'pencil', nonce })
}

test('the conversation of RFC 7677', async () => {
  const one = talk()
  assert.equal(one.first, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  assert.equal(
    await one.answer(serverFirst),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
      'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  assert.equal(one.isProof('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), true)
})

test('a broker that does not know the password is found out', async () => {
  const one = talk()
  assert.equal(one.isProof('v='), false)
  await one.answer(serverFirst)
  assert.equal(one.isProof('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), false)
  assert.equal(one.isProof('e=other-error'), false)
  assert.equal(one.isProof(''), false)
})

test('commas and equal signs in names are written as the RFC says', () => {
  const { first } = scram({ hash: 'sha512', username: 'a,b=c,d', password: 'x', nonce: 'n' })
  assert.equal(first, 'n,,n=a=2Cb=3Dc=2Cd,r=n')
})

test.each([
  ['', /salt/],
  ['r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', /nonce/],
  [`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`, /nonce/],
  [`r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095`, /4095 iterations/],
  [`r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999`, /iterations/],
  [`r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==`, /no iterations/],
])('a server that says %s is refused', async (text, says) => {
  await assert.rejects(talk().answer(text), says)
})
