import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether any account has been signed in to from a network: asked in a flood, before the name of the account is read. */
export class IndexKnownNetworks1764302000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX known_addresses_network ON known_addresses (network)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX known_addresses_network');
  }
}
