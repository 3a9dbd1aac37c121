import { config } from 'zod'

// Compiled schemas need `new Function`, which the page's policy forbids. First of all imports: schemas look at this when they are made.
config({ jitless: true })
