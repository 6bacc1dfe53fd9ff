"""How often the screen calls a human when it should, and when it should not, kind by kind."""

from __future__ import annotations

import pytest

from countersign.intake import screen
from lambdas import engines

FIRST_PERSON = """
I want to die
I just want to kill myself
i wanna kms
thinking about ending my life tonight
I have been having thoughts of suicide for weeks
I tried to hang myself last Tuesday
i took 30 tylenol on purpose yesterday
im going to end it all this weekend
I keep imagining stepping in front of the subway
I cut my arms with a razor most nights
i want to unalive myself
I am suicidal and I have a gun in the closet
I wish I was dead
I don't want to live anymore.
I dont wanna be alive
I've been saving up my pills so I can take them all at once
i cant stop thinking about killing myself
life isn't worth living and I am done
i wnat to dieee
feeling su1cidal again
s u i c i d a l thoughts every day
I wantt to kil myslef
I'd be better off dead
Going to sleep and never waking up sounds perfect
I overdosed two weeks ago and nobody knows
I burned myself again because I deserve it
I bought a rope and picked a date
Sometimes I think about driving my car off the bridge
I've been self-harming since March
I'm planning to shoot myself when my parents leave
ive been thinkin abt suicide alot
I want to slit my wrists
I have a plan to kill myself and the pills are in my drawer
I just want to stop existing
every night i pray that i dont wake up
I hope I don't wake up tomorrow
There is no reason for me to keep living
I attempted suicide last month
I can't do this anymore, I want it all to end
I'm going to jump off the parking garage
i want to k1ll myself
ready to die tbh
My suicidal thoughts are getting worse
I want to blow my brains out
I've been looking up painless ways to die
killing myself is the only thing on my mind
I started cutting again
No, I want to die
I'm not okay i want to kill myself
I don't have a plan but I want to die
I used to cut myself as a teenager and lately I want to start again
Why shouldn't I just kill myself
I haven't killed myself yet
I don't want to kill myself but I think about it all day
Idk if I want to live anymore
hav u ever wanted to die bc i do
i am thinking of taking my own life
I'm so tired of being alive
I wish I could fall asleep forever
I feel like hurting myself
i've had enough of life and im ready to check out
honestly considering just offing myself
Been fantasizing about my own funeral and how I'd do it
My depression is so bad I have been wanting to be dead
I swallowed a bottle of Advil two nights ago hoping it would be over
last week I put a belt around my neck
I tied a noose in the garage on Friday
i keep cutting my thighs, it's the only thing that helps
I would kill myself if I had the guts
I'm too much of a coward to kill myself
the only thing stopping me from killing myself is my cat
If I don't get help I will end up killing myself
I think the only solution is death
death seems like the only way out
I scratch my arms until they bleed
I've been hitting my head against the wall to punish myself
I have a bottle of oxycodone next to my bed and I'm going to take them all
i feel sucidal
i am having sucidial ideation
wanna off myselff
i wanna dye so bad
id rather be dead than feel like this another day
My attempt in April landed me in the ICU
I was discharged from the psych ward on Monday after trying to take my life
Can't promise I won't hurt myself
I don't feel like being alive anymore
lowkey want to unalive
thinking of yeeting myself off a bridge ngl
I just want to be gone forever
I pray God takes me in my sleep
Nothing would make me happier than to not wake up
I have razor blades hidden in my room and I use them
living is too painful and i cant keep going
My mind keeps telling me to jump
i cnt do ths anymore i wanna d1e
kms kms kms
I think about dying a lot
I sat with the gun in my hand last night
Every time I drive I think about swerving into a tree
I'm going to hang myself
I want to stab myself in the heart
i have an urge to slice my wrists
I've thought of ways to kill myself
I feel so low that I've considered ending things
Some days I wish a truck would just hit me
I hurt myself on purpose last night
I want my life to be over
I intend to be dead by Friday
I researched how much insulin would kill me
ending my life is all i think about these days
I fantasize about being hit by a car
honestly i'd be happier dead
I put a knife to my wrist yesterday
i tryed to kill myslef in march
Im gonna OD on my meds tonight
I have picked out the bridge I'm going to jump from
suicide feels like the only choice left
I've lost the will to live
I took way too many sleeping pills on purpose
I want out of this life
My plan is to use my dad's gun
wish i could just d*e already
I dont see the point in staying alive
it would be so easy to just let go of the steering wheel
i burn myself with a lighter
I want 2 die
I'm thinking of hanging myself in the basement
every day I wake up disappointed that I'm still breathing
sometimes the thought of not existing comforts me
I almost jumped last night
I am going to commit suicide
I've been carving words into my skin
my self harm is getting worse
life is hell and i want out
I think I'd be better off not being here
I nearly went through with it last week
I keep a stash of pills just in case I decide to do it
idontwannabehere anymore
cant take living another day
I want to kill myself and I don't know who to tell
I have been feeling suicidal since my breakup
I tried to overdose on my antidepressants three weeks ago
I'm planning on ending it next Saturday
Some nights I hold the knife against my throat
I want to be dead so badly
I just wanna go to sleep and never wake up again
I regret that my suicide attempt failed
I hav been cuting myself evry day
I'd love to not exist anymore
The thought of hanging myself won't leave my head
I walked up to the roof yesterday and stood at the edge
i wanna end my lyfe
suicidle thoughts all day long
I will take my life before my birthday
I am thinking about shooting myself
I hope tomorrow never comes for me
I'm scared I'm going to act on my suicidal thoughts
I burned my arms with cigarettes last week
I can't live with this pain any longer, I want to go
I see no reason to continue my life
i rly wanna kms 2nite
I've written my suicide note
I do not want to be on this planet anymore
I'm going to drown myself in the lake
I swallowed rat poison in January and survived
I would take a lethal dose if I could
I feel an overwhelming urge to cut
I need to die
Killing myself would fix everything
""".strip().splitlines()

NURSE = """
By the time anyone reads this I will be gone
I've written letters to my kids for after I'm gone
Please take care of my dog when I'm not here anymore
Everyone would be better off without me
I gave away my guitar and my records this week, I won't be needing them
You won't have to worry about me much longer
I've made my peace with everyone and said my goodbyes
This will be my last message
There's nothing left to live for
I won't be around for Christmas
I just want the pain to stop
I'm a burden on my whole family
What's the point of going on
I can't see any way out of this
I've put my affairs in order
My husband hit me again last night and I'm scared to go home
My boyfriend threatened to kill me if I leave
he choked me until I passed out
I'm afraid he is going to kill me
I want to hurt my boss, I brought a knife to work
I keep having thoughts of smothering my baby
I am going to kill my ex and then myself
The voices tell me to hurt people
I'm scared I will hurt my kids
My daughter says she wants to die
My son is cutting himself and won't talk to me
My roommate texted me goodbye and took a bottle of pills
My best friend is going to kill herself tonight
My wife keeps talking about ending her life
My brother tried to kill himself yesterday
My dad touches me at night
I don't feel safe at home
My stepfather beats my mom and me
He has a gun and said he'd use it on us
I don't trust myself to be alone tonight
No one would even notice if I disappeared
My uncle raped me last week
I want to be with my mom in heaven
Tell my kids I love them and I'm sorry
I'm tired of fighting, I'm ready to go
Quiero morirme
Ya no quiero vivir
No puedo más, quiero acabar con todo
He pensado en quitarme la vida
Me quiero matar
Mi hija dice que se quiere morir
Mi esposo me pega y tengo miedo
Todos estarían mejor sin mí
Me corto los brazos cuando me siento mal
Estoy cansada de vivir
Tengo ganas de desaparecer para siempre
Voy a suicidarme esta noche
Pienso en la muerte todos los días
Cuiden a mis hijos cuando yo no esté
Me tomé todas las pastillas anoche
Mi pareja amenazó con matarme
Quisiera dormirme y no despertar
No le encuentro sentido a la vida, quiero morir
Me hago daño para no sentir
Quiero matar a mi jefe
Thank you for trying, but it's too late for me now
Soon I'll be with my daughter who passed
I've found homes for all my pets
I updated my will and wrote down all my passwords for my sister
don't worry about rescheduling, I won't need it
You all will be happier once I'm gone
I've decided. I finally feel calm.
It'll all be over by Sunday
I just want to go to sleep and not wake up
no one will miss me
They'd get the life insurance at least
I have no reason to be here
I'm so sorry, please look after my little girl
I am nothing but a burden to my wife
My ex has been following me and said he would slit my throat
My husband pushed me down the stairs
He won't let me leave the house and he took my phone
My boyfriend put a gun to my head
my partner forces me to have sex
I'm pregnant and he kicks me in the stomach
Mom's boyfriend comes into my room at night and touches me
I have thoughts about drowning my newborn
I keep picturing stabbing my husband
I'm going to shoot up my school
I want to make my coworkers pay, I have a rifle
I snapped and almost strangled my son
God is telling me to kill my family
My teen posted that she wants to end her life
I found razor blades and blood in my daughter's room
My husband has a gun and says he can't go on
My mother took all of her sleeping pills an hour ago
my friend just sent me a goodbye text
My student told me he plans to hang himself
Our son keeps saying he wishes he was dead
My sister overdosed last night and is in the hospital
My dad is drunk and has his shotgun out
I can't keep myself safe tonight
I don't see a future for myself
I feel like I don't belong in this world
What would be the easiest way to go
Siento que mi familia estaría mejor si me muero
No veo salida, pienso en tirarme del puente
Ojalá no despertara mañana
Mi novio me golpea y me amenaza con una pistola
Escucho voces que me dicen que me mate
Tengo un plan para quitarme la vida
Mi hermano intentó ahorcarse ayer
Ya no tengo fuerzas para seguir viviendo
kiero morirme
Le regalé mis cosas a mi hermana, ya no las voy a necesitar
Mi papá abusa de mí
Tengo miedo de hacerle daño a mi bebé
Nadie me va a extrañar
me quiero morrir
Mi hijo se corta los brazos
I wrote a letter to each of my children
My pain ends tonight
You deserve better than me, goodbye
I hope you can all forgive me someday for what I'm going to do
Please make sure my cat is fed after Friday
The kids will do better with their dad once I'm out of the picture
My girlfriend slapped me and broke my phone when I tried to leave
My husband says he'll kill himself if I leave
he hurts the children when he drinks
I can't stop thinking about stabbing my roommate
I got so mad I put my hands around my wife's neck
My nephew has been looking up how to make a noose
My elderly mother says she is ready to die and stopped eating
My partner locked me in the bedroom for two days
A man has been following me and knows where I live
I feel like the devil wants me to hurt my daughter
My brother is holding a gun and won't talk to us
my 15 year old wrote a suicide note
I'm scared of what I'll do if I'm left alone
No quiero seguir aquí
A veces pienso que sería mejor no existir
Mi esposo me quiso ahorcar
Quiero cortarme otra vez
Mi amiga dice que se va a tirar de un puente
Compré una cuerda
Todo sería más fácil si yo no estuviera
I've been giving my jewelry to my nieces so they have something to remember me by
Everyone will be relieved when I'm not around
I don't think I'll make it through the weekend
This is my goodbye to all of you
I've already chosen the music for my funeral
I feel trapped and there's no way out
My kids deserve a better mother and soon they'll have one
My husband strangled me last night
My mother beats me with a belt
I'm hiding from my ex because he said he'd kill me
My cousin has been molesting my little sister
I think about poisoning my husband
If I see him again I'm going to stab him
My girlfriend told me she wants to jump off a bridge
My teenage son wrote that he doesn't want to live
My neighbor's boy said he is going to shoot up the school
My mom took a whole bottle of Xanax
He's threatening to hurt our baby
I'm afraid to sleep because of what he does to me at night
I keep hearing a voice that says to kill myself
No tengo ganas de seguir viviendo
Mi marido me amenaza con un cuchillo
He intentado matarme dos veces este mes
Siento que soy una carga para todos
Quiero dormir y nunca despertar
Mi hijo habla de suicidarse
Me quiero cortar las venas
Tengo pensamientos de hacerle daño a mi esposo
""".strip().splitlines()

FIGURATIVE = """
This traffic is killing me
My feet are killing me after that hike
I'm dying to see the new movie
I could kill for a cup of coffee right now
I was so embarrassed I wanted to die
We were dying of laughter at dinner
I'm dead tired after the move
That comedian killed it last night
I'd kill for a nap
My mom is going to kill me if I forget the milk
He's dead set on buying that truck
I nearly died laughing
You're killing me, Smalls
I'm starving, let's eat
This heat is murder
I have a killer headache
Just shoot me an email with the times
My phone died on the way here
I'm drowning in paperwork
The suspense is killing me
Over my dead body will he wear that
I almost died when I saw the bill
The dress was to die for
I need to kill some time before the appointment
I'd rather die than eat liver
I'm hanging in there
That exam was suicide
I want to strangle my printer
Shoot, I forgot my wallet
I cut myself some slack this week
I'm at the end of my rope with this insurance company
Old habits die hard
I bombed the interview
My kids drive me up the wall
I cut myself shaving this morning
I overdosed on chocolate at Easter
Me muero de hambre
Estoy muerta de cansancio
El tráfico me mata
Me muero por verte
My boss is killing me with these deadlines
I'm dying for a vacation
If I have to sit through another Zoom meeting I'll kill myself
That joke slayed me
I was mortified, I could have died
My husband will kill me when he sees the credit card bill
She's drop dead gorgeous
I'd give my right arm for a good night's sleep
We killed two birds with one stone
My computer committed suicide before the deadline
I laughed so hard I thought I'd die
I've been working myself to death on this project
He was shooting the breeze with the neighbors
Kill the lights please
I'm so hungry I could die
I would die without my phone
Don't shoot the messenger
My back is killing me from gardening
The team got murdered in the playoffs
I bit the bullet and called the clinic
I'm burned out and hanging by a thread at work
this homework makes me want to die lol
I'm sick to death of these phone calls
She'd murder me if I wore her jacket
Break a leg at the recital
I'm going to kill it at the interview
I died a little inside when they sang to me
Cross my heart and hope to die
My plants keep dying
I'm dead, that's hilarious
Stop, you're killing me
I hung out with friends and we shot some pool
I'd sooner die than go to another baby shower
It's a dead end job
My son is dying to get his license
Me mata este calor
Mi jefe me va a matar si llego tarde
Estoy muerto de sueño
Mataría por un café
Casi me muero de la risa
These stairs will be the death of me
I'm dying of curiosity
My allergies are killing me this spring
He killed the presentation
I'd kill to have your schedule
We were bored to tears
I could murder a pizza
The baby is going to be the end of my sleep
I'm dead on my feet by Friday
She was dying to tell us the news
My wife will murder me if I track mud in
I shot my boss an email
The new puppy is killing my back
I thought I'd die of shame
My brain is fried and my legs are dead
I'd rather die than sing karaoke
I slaughtered that test
You scared me half to death
I am hanging on by my fingernails until vacation
Ese chiste me mató
""".strip().splitlines()

DENIED = """
I do not want to die
I have never thought about killing myself
No suicidal thoughts
Denies SI/HI
I'm not suicidal
I would never hurt myself
No thoughts of self-harm or suicide
I don't have any plans to end my life
She denies suicidal ideation
I have no intention of harming myself
Suicidal thoughts? No
I've never attempted suicide
I am not going to kill myself
No history of self-harm
I don't want to hurt anyone
I never felt like ending my life
There is no domestic violence at home
No quiero morir
Nunca he pensado en suicidarme
No tengo pensamientos suicidas
I am not having thoughts of suicide at this time
Never had suicidal ideation
I have no desire to die
My wife is not suicidal
I've never hurt myself on purpose
Patient denies self-harm, suicidal ideation, or homicidal ideation
I don't have thoughts of harming others
I wouldn't ever take my own life
Not suicidal, just stressed
Self-harm: none
I am safe at home and nobody hurts me
No thoughts of hurting myself or anyone else
I don't wish I was dead
I have not been thinking about suicide
There are no guns in the house
No intent or plan to kill myself
I feel sad but I do not want to kill myself
Suicide attempts: 0
No me quiero morir
No he intentado suicidarme
I do not have any suicidal thoughts
I've never wanted to hurt myself
I am not thinking of ending my life
No plans to harm myself or others
My daughter is not suicidal
I haven't had thoughts of self harm
No tengo ideas suicidas
""".strip().splitlines()

TOLD = """
The song goes "I don't wanna live forever"
In the movie the main character kills himself
I'm reading a book about suicide
We watched 13 Reasons Why, the show about a girl's suicide
The lyrics say I hurt myself today
Romeo and Juliet both kill themselves at the end of the play
My favorite podcast did an episode on a murder suicide
The documentary is about people who jump off the Golden Gate Bridge
Hamlet asks whether to be or not to be
She quoted the poem "dying is an art, like everything else"
In the novel the heroine drowns herself in the river
My favorite band has a song called "Suicide Season"
The news reported that an actor died by suicide
I saw a headline about a murder downtown
He kept singing "I'm going to kill myself over you" from that old record
In the episode the detective finds a suicide note
I wrote my essay on Sylvia Plath and her suicide
The play ends when the king is stabbed
My professor quoted Camus on suicide
The podcast host said "I wanted to die" about his marathon
We're reading The Bell Jar, a novel about a suicidal young woman
La película trata de un hombre que se suicida
La canción dice "me quiero morir"
The video game character shoots himself
The film shows a woman who takes her own life
She read us a poem about wanting to die
In the song he sings about killing his wife
I watched a documentary on suicide in Japan
""".strip().splitlines()

AT_WORK = """
I volunteer at a suicide prevention hotline
I'm a nurse and I screen patients for suicidal ideation
Our school held a suicide awareness walk
My thesis is on adolescent self-harm
The clinic trains staff in suicide risk assessment
I teach a class on suicide prevention
As a paramedic I have responded to many overdoses
We are updating our suicide protocol
The C-SSRS asks about suicidal thoughts
I work with clients who self-harm
I'm a crisis counselor trained in suicide intervention
I supervise interns who assess suicidal clients
My job is answering calls from people who want to die
As a teacher I completed the youth suicide prevention module
Our agency audits overdose deaths in the county
I am writing a grant about veteran suicide
The questionnaire includes a question about thoughts of being better off dead
I'm a police officer and responded to a homicide last year
I lead a support group for survivors of suicide loss
I work in an ER and see a lot of overdoses
My research looks at nonsuicidal self-injury in teens
Please explain your policy on suicidal patients
I run suicide prevention workshops for schools
I'm studying psychology and writing about self-injury
My supervisor asked me to review the suicide policy
""".strip().splitlines()

LONG_AGO = """
I tried to kill myself when I was sixteen
I used to cut myself in high school
I had suicidal thoughts twenty years ago
I overdosed in 1998 and recovered
My uncle died by suicide in the nineties
I attempted suicide back in college
My grandfather killed himself before I was born
When I was a kid my father beat me
I was hospitalized for a suicide attempt ten years ago
Intenté suicidarme hace quince años
I attempted suicide in 2003
As a teenager I used to self-harm but I haven't in fifteen years
Back in the 90s I was suicidal
My father hit me when I was a child
My aunt killed herself thirty years ago
I was sexually abused as a child
When I was nineteen I took an overdose
I had thoughts of suicide after my divorce eight years ago
My ex-husband used to beat me, that was decades ago
In high school I wanted to die
Years ago I was in a violent relationship
Cuando era adolescente me cortaba
At 17 I took an overdose, I'm 45 now
My grandfather shot himself in 1974
I was beaten by my stepfather as a kid
I struggled with suicidal thoughts in college, twelve years ago
""".strip().splitlines()

EVERYDAY = """
I would like to schedule an appointment for next week
My insurance card is attached
I prefer evenings because I work during the day
I have been feeling anxious about my new job
Please send the forms to my email
I was referred by my primary care doctor
I'd like help with stress and sleep
My goal is to feel more confident at work
I am allergic to penicillin
We moved here last summer from Ohio
I live with my husband and two kids
I take Zoloft 50 mg every morning
My mother passed away in 2015
I have trouble concentrating and I put things off
Is parking available at your office?
I want to work on my relationship with my sister
I get headaches a few times a month
I walk my dog every morning
Do you take Blue Cross?
I enjoy hiking and painting
My last therapist retired
I don't want to be late for my appointment
I want to stop smoking before the end of the year
I need a letter for my employer
The best phone number is my cell
I've been married for ten years
My daughter starts college in the fall
I have tried meditation but it was not for me
I end up scrolling on my phone at night
I'm looking for someone who speaks Spanish
We are going to the beach this weekend
I feel sad since the divorce
I have a hard time saying no to people
I would rather meet online
He is a good father and a kind person
I can't take time off on Mondays
Please call me back after five
My son has an appointment with the dentist
I will be on vacation until the tenth
I had a head injury playing soccer
I want to be a better parent
I lost my job in March
My knees hurt when I climb stairs
I used to run marathons
She is in the hospital for her knee surgery
The doctor cut my dose in half
I jump at loud noises
We adopted a cat from the shelter
I hit my head on the cabinet door
My partner and I argue about money
Quisiera hacer una cita para la próxima semana
Mi seguro es Medicaid
Vivo con mi esposo y mis hijos
Tengo ansiedad por el trabajo
Prefiero las citas por la tarde
Necesito ayuda con mi estrés
I am dreading my dead-end job
My grandmother died last spring and I miss her
My phone is dead so call my wife
I need help with killing time between classes
We shot a wedding video last week
I love true crime podcasts
I work the night shift at the hospital
My hobbies include hunting with my dad
I was hit by a car in 2019 and have back pain
I have a fear of flying
He cut me off in traffic
I hurt my shoulder at the gym
My dog had to be put down and I'm sad
I want to live closer to my parents
I'm tired of arguing about dishes
I gave my old clothes to charity
I said goodbye to my coworkers when I retired
I'm leaving the country for two weeks
I will not be here Tuesday
I take all my medication as prescribed
I lost ten pounds this spring
I am on the waiting list
I'm afraid of dogs
My partner is supportive
I feel safe at home
We keep no firearms
My ex and I share custody
My son cut his finger
I'm behind on bills
The bridge to downtown is closed
My last day at work is Friday
I jumped into a new career
I can't wait to start
I burned dinner again
I want to end my lease early
I have no end of questions
I'd like to be a better listener
I wish I had more time
I hope to sleep better
I want to disappear into a good book
Please end my subscription to the newsletter
I feel lost after graduation
I could use a break
I drank too much coffee
I've been struggling with my weight
My therapist moved away
I overslept and missed the bus
Our house was broken into last year
I'm nervous about dying my hair
I'd die for some sushi
Deadlines are killing my motivation
She has a killer sense of humor
That movie scared me to death
You could cut the tension with a knife
I nearly jumped out of my skin
We are drowning in debt
My mother's funeral is on Saturday
El dolor de espalda me está matando
Quiero cambiar mi cita
Mi hijo tiene diez años
Voy a terminar la escuela este año
Trabajo de noche en un restaurante
Could you tell me if you offer group therapy
I've been arguing a lot with my teenager
I'd like a female therapist if possible
My blood pressure is a little high
I work as a line cook and the hours are long
We recently had a baby and I'm exhausted
I want to learn how to set boundaries
I get nervous before presentations
I can come in any day except Thursday
My wife thinks I should talk to someone
I was diagnosed with ADHD as an adult
I have two older brothers
I've lost interest in cooking
I want to feel like myself again
My father had a stroke last year and I take care of him
I graduated from nursing school in May
I'd like to stop biting my nails
I cry more than I used to
My boyfriend and I moved in together
I don't drink and I quit smoking
I feel overwhelmed by school
I have never seen a therapist before
I need to renew my prescription by the end of the month
Do I need to bring my ID
I prefer text messages
I was in a car accident two years ago and still feel jumpy
I want to get over my fear of driving on the highway
I'm having trouble letting go of the past
Sometimes I lie awake thinking about work
I have a lot of guilt about my divorce
I feel lonely since I moved
My mom lives with us and it is hard
I take melatonin to fall asleep
I'm grieving my dog
I stopped going to the gym
My job ends in June
I would like my sister to be my emergency contact
Our house burned down in the fire last fall
I used to live in Denver
The kids fight all the time
I'm waiting to hear about a promotion
I want a referral to a nutritionist
Tengo problemas con mi pareja
Me siento triste desde que me mudé
Mi mamá murió el año pasado
Quiero aprender a manejar mi ansiedad
""".strip().splitlines()

URGENT = """
I haven't slept in three weeks
I ran out of my lithium five days ago
I have been hearing voices since Sunday
I can't get out of bed
I stopped taking my meds cold turkey
I feel completely hopeless
I relapsed and I'm drinking every night
I need help right away
Llevo cuatro días sin dormir
Se me acabaron las pastillas
""".strip().splitlines()


def alerting(sentences: list[str]) -> list[str]:
    terms = engines.terms()
    return [sentence for sentence in sentences if screen(sentence, terms).crisis]


@pytest.mark.parametrize(
    ("sentences", "least"), [(FIRST_PERSON, 0.95), (NURSE, 0.85)], ids=["first person", "nurse"]
)
def test_a_human_sees_what_a_human_must_see(sentences: list[str], least: float) -> None:
    found = alerting(sentences)
    missed = [sentence for sentence in sentences if sentence not in found]
    assert len(found) >= least * len(sentences), missed


@pytest.mark.parametrize(
    ("sentences", "most"),
    [
        (EVERYDAY, 0.005),
        (FIGURATIVE, 0.10),
        (DENIED, 0.30),
        (TOLD, 0.30),
        (AT_WORK, 0.30),
        (LONG_AGO, 0.30),
    ],
    ids=["everyday", "figurative", "denied", "told", "at work", "long ago"],
)
def test_nobody_is_called_for_what_only_looks_like_it(sentences: list[str], most: float) -> None:
    found = alerting(sentences)
    assert len(found) <= most * len(sentences), found


def test_what_is_urgent_is_sorted_to_the_top() -> None:
    terms = engines.terms()
    missed = [text for text in URGENT if not screen(text, terms).urgent]
    assert not missed


def test_everyday_text_is_rarely_called_urgent() -> None:
    terms = engines.terms()
    found = [text for text in EVERYDAY if screen(text, terms).urgent]
    assert len(found) <= 0.02 * len(EVERYDAY), found
