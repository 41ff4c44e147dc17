BEGIN TRANSACTION;
CREATE TABLE address (
            digest TEXT PRIMARY KEY,
            day TEXT NOT NULL,
            debts TEXT NOT NULL,
            blocked TEXT
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE event (
            eventid TEXT PRIMARY KEY,
            eventname TEXT NOT NULL,
            starts_at TEXT NOT NULL,
            ends_at TEXT NOT NULL,
            time_zone TEXT NOT NULL,
            venue TEXT,
            capacity INTEGER,
            opens_at TEXT,
            closes_at TEXT,
            waitlist INTEGER NOT NULL,
            questions TEXT,
            contact TEXT,
            revision INTEGER NOT NULL,
            cancelled INTEGER NOT NULL,
            held INTEGER NOT NULL DEFAULT 0,
            highest_seat INTEGER NOT NULL DEFAULT 0,
            last_place INTEGER NOT NULL DEFAULT 0
        , news INTEGER, telling TEXT, changed_at TEXT, templates TEXT) STRICT
        ;
INSERT INTO "event" VALUES('devconf-2026','DevConf 2026','2026-06-01T09:00:00Z','2026-06-01T17:00:00Z','Europe/Berlin',NULL,2,NULL,NULL,1,NULL,NULL,1,0,2,2,2,NULL,NULL,NULL,NULL);
CREATE TABLE freed_seat (
            eventid TEXT NOT NULL REFERENCES event,
            seat INTEGER NOT NULL,
            PRIMARY KEY (eventid, seat)
        ) STRICT, WITHOUT ROWID
        ;
CREATE TABLE "registration" (
            eventid TEXT NOT NULL,
            digest TEXT NOT NULL,
            eventname TEXT NOT NULL,
            cname TEXT NOT NULL,
            cemail TEXT NOT NULL,
            status TEXT NOT NULL,
            registrationid TEXT NOT NULL,
            registered_at TEXT,
            revision INTEGER NOT NULL,
            mail TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            attempted_at TEXT,
            seat INTEGER,
            place INTEGER,
            answers TEXT,
            link_generation INTEGER,
            told_of INTEGER,
            mail_kind TEXT,
            debt INTEGER,
            mail_at TEXT,
            mail_reason TEXT,
            repeated_at TEXT,
            locale TEXT,
            PRIMARY KEY (eventid, digest)
        ) STRICT
        ;
INSERT INTO "registration" VALUES('devconf-2026','cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d','DevConf 2026','Ada','ada@example.org','cancelled','ada-1','2026-03-01T12:00:00.123456Z',2,'sent',1,'2026-03-01T12:05:00.000000Z',NULL,NULL,'{"diet":"vegan"}',2,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "registration" VALUES('devconf-2026','686b5e4cf4f963adf8f51468a48028ef8d15bd02fa335f821279a3d1678c9615','DevConf 2026','Bob','bob@example.org','confirmed','bob-1','2026-03-01T12:00:00.123456Z',1,'due',1,'2026-03-01T12:05:00.000000Z',2,NULL,NULL,NULL,NULL,NULL,NULL,'2026-03-01T12:05:00.000000Z',NULL,NULL,NULL);
INSERT INTO "registration" VALUES('devconf-2026','5ae22dc1c344cf93bcc153b92da1c5efed96b5f3cc7346b241008af8e9299aab','DevConf 2026','Cleo','cleo@example.org','confirmed','cleo-1','2026-03-01T12:00:00.123456Z',2,'due',0,NULL,1,1,NULL,NULL,NULL,NULL,NULL,'2026-03-01T12:00:00.123456Z',NULL,NULL,NULL);
INSERT INTO "registration" VALUES('devconf-2026','7baae49012a217d21160df86bec77c13da3c830b38dcecbddbd693e00feec11f','DevConf 2026','Dan','dan@example.org','waitlisted','dan-1','2026-03-01T12:00:00.123456Z',1,'sent',1,'2026-03-01T12:05:00.000000Z',NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE UNIQUE INDEX seat ON registration (eventid, seat) WHERE seat IS NOT NULL;
CREATE UNIQUE INDEX queue ON registration (eventid, place)
        WHERE status = 'waitlisted' AND place IS NOT NULL
        ;
CREATE INDEX outbox ON registration (mail_at, eventid, digest) WHERE mail IN ('due', 'claimed', 'retry');
COMMIT;
PRAGMA application_id = 1165382247;
PRAGMA user_version = 6;
