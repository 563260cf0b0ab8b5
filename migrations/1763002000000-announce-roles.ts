import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a role permits is kept in memory by every instance; every change of a role, by hand too, tells them on commit. */
export class AnnounceRoles1763002000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION roles_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'roles');
        RETURN NULL;
      END $$;
      CREATE TRIGGER roles_announce AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON roles
        FOR EACH STATEMENT EXECUTE FUNCTION roles_announce();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TRIGGER roles_announce ON roles; DROP FUNCTION roles_announce();');
  }
}
