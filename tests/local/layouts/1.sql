BEGIN TRANSACTION;
CREATE TABLE registration (
    eventid TEXT NOT NULL,
    digest TEXT NOT NULL,
    eventname TEXT NOT NULL,
    cname TEXT NOT NULL,
    cemail TEXT NOT NULL,
    status TEXT NOT NULL,
    registrationid TEXT NOT NULL UNIQUE,
    registered_at TEXT,
    revision INTEGER NOT NULL,
    mail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    attempted_at TEXT,
    PRIMARY KEY (eventid, digest)
) STRICT
;
INSERT INTO "registration" VALUES('devconf-2026','cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d','DevConf 2026','Ada','ada@example.org','confirmed','ada-1','2026-03-01T12:00:00.123456Z',1,'sent',2,'2026-03-01T12:05:00.000000Z');
INSERT INTO "registration" VALUES('devconf-2026','686b5e4cf4f963adf8f51468a48028ef8d15bd02fa335f821279a3d1678c9615','DevConf 2026','Bob','bob@example.org','confirmed','bob-1','2026-03-01T12:00:00.123456Z',1,'due',1,'2026-03-01T12:05:00.000000Z');
INSERT INTO "registration" VALUES('other','5ae22dc1c344cf93bcc153b92da1c5efed96b5f3cc7346b241008af8e9299aab','Other','Cleo','cleo@example.org','confirmed','cleo-1','2026-03-01T12:00:00.123456Z',1,'failed',1,'2026-03-01T12:05:00.000000Z');
INSERT INTO "registration" VALUES('other','7baae49012a217d21160df86bec77c13da3c830b38dcecbddbd693e00feec11f','Other','Dan','dan@example.org','confirmed','dan-1','2026-03-01T12:00:00.123456Z',1,'due',0,NULL);
COMMIT;
PRAGMA application_id = 1165382247;
PRAGMA user_version = 1;
