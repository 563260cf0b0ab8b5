import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is due of one topic of the outbox, and how much waits, is found without the rows of the others: mails pile up while the
 * mail server is down.
 */
export class OrderOutboxByTopic1764302100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX mail_outbox_topic_due_at ON mail_outbox (topic, due_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX mail_outbox_topic_due_at');
  }
}
