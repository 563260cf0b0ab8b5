import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a row of the outbox is, so that other things than mail can leave with the transaction that causes them. */
export class NameOutboxTopics1763400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE mail_outbox ADD COLUMN topic text NOT NULL DEFAULT 'mail';
      COMMENT ON COLUMN mail_outbox.topic IS 'What delivers the row, and what a new row is announced as; kind says what it is about';

      CREATE OR REPLACE FUNCTION mail_outbox_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', NEW.topic);
        RETURN NULL;
      END $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION mail_outbox_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'mail');
        RETURN NULL;
      END $$;
      ALTER TABLE mail_outbox DROP COLUMN topic;
    `);
  }
}
